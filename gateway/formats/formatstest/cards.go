package formatstest

// Cards of the story's artifacts.
const (
	measurementsCard = `{"@context": {"@vocab": "https://schema.org/", "sc": "https://schema.org/", "cr": "http://mlcommons.org/croissant/", "rai": "http://mlcommons.org/croissant/RAI/", "dct": "http://purl.org/dc/terms/", "conformsTo": "dct:conformsTo"},
 "@type": "sc:Dataset", "conformsTo": "http://mlcommons.org/croissant/1.1", "name": "Cold chain temperatures",
 "description": "Temperatures of chilled fish on the road, once a minute.", "license": "https://spdx.org/licenses/CC-BY-4.0",
 "url": "https://market.example/data/temperatures", "creator": {"@type": "sc:Organization", "name": "Market"}, "datePublished": "2026-02-02", "version": "2.0.0",
 "keywords": ["temperature", "fish"],
 "rai:dataCollection": "Loggers in lorries, one reading a minute.", "rai:personalSensitiveInformation": "None: loggers know no people.",
 "distribution": [{"@type": "cr:FileObject", "@id": "t.csv", "name": "t.csv", "contentUrl": "t.csv", "encodingFormat": "text/csv", "sha256": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}]}`

	crawlCard = `---
pretty_name: Pages about fish
license: other
license_name: terms-of-each-site
source_datasets: [original]
size_categories: 1M<n<10M
language: [en, no]
task_categories: [text-classification]
---
# Dataset Card for Pages about fish

## Dataset Description

Pages that a crawler found. <img src=x onerror=alert(1)>

## Data Collection and Processing

Crawled from the web between 2025-10 and 2025-12 by fishbot/1.0; robots.txt and TDM reservations were honoured, 1,204 sites left out.

## Personal and Sensitive Information

Pages with names of private people were dropped by a filter; the filter misses some.
`

	baseCard = `---
license: apache-2.0
library_name: sklearn
pipeline_tag: tabular-regression
---
# Base

A regression that knows nothing of fish yet.
`

	modelCard = `---
license: apache-2.0
language: [en]
library_name: sklearn
pipeline_tag: tabular-regression
base_model: model/lab/base@1
datasets: [dataset/lab/cleaned@1, acme/fish-prices]
---
# Spoilage

Says for how many days chilled fish keeps, from the temperatures it had.

## Training Data

Temperatures of a month, cleaned, with synthetic winters added.

## Uses

Sorting of chilled fish by people who look at it as well. Not for frozen fish.

## Bias, Risks, and Limitations

Knows salmon only.
`
)
