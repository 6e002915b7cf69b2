// On the page that takes documents: a file that is dropped is as one that was chosen.
"use strict";

const drop = document.getElementById("drop");
const file = document.getElementById("file");
const dropped = document.getElementById("dropped");

// tell says which file is chosen.
function tell() {
  const chosen = file.files[0];
  dropped.textContent = chosen ? `${chosen.name}, ${(chosen.size / 1000).toFixed(1)} kB` : "or drop it here";
}

file.addEventListener("change", tell);
for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.add("over-it");
  });
}
drop.addEventListener("dragleave", () => drop.classList.remove("over-it"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over-it");
  if (event.dataTransfer.files.length === 0) return;
  file.files = event.dataTransfer.files;
  tell();
  say(`${file.files[0].name} is chosen`);
  document.querySelector("#choose button").focus();
});
