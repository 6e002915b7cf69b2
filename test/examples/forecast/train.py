"""Learns the highest temperature that chilled fish should be left in, from a table of readings."""
import csv
import json
import statistics
import sys

with open(sys.argv[1], newline="") as table:
    celsius = [float(row["celsius"]) for row in csv.DictReader(table)]
limit = statistics.mean(celsius) + 2 * statistics.stdev(celsius)
json.dump({"limit": round(limit, 1)}, sys.stdout, indent=2)
print()
