// On the page of a capture job: while it runs, its progress is fetched again and again. Elsewhere in the list than at its
// beginning, nothing moves.
"use strict";

const job = document.getElementById("job");
const running = () => job.firstElementChild.dataset.running === "true";

async function refresh() {
  const query = job.dataset.only ? `?only=${encodeURIComponent(job.dataset.only)}` : "";
  try {
    const answer = await fetch(job.dataset.path + query, { headers: { "X-Pedigree-Part": "job" }, credentials: "same-origin" });
    if (answer.ok && !answer.redirected) {
      const open = document.activeElement && job.contains(document.activeElement);
      if (!open || !running()) job.innerHTML = await answer.text();
      if (!running()) {
        say("All events are done");
        return;
      }
    }
  } catch { /* the gateway is away for a moment */ }
  setTimeout(refresh, 1000);
}

if (running() && !job.dataset.later) setTimeout(refresh, 500);
