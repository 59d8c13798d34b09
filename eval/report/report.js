// Filters of the list of cases, and a link to a case opens it. Without this the list is whole.
const form = document.getElementById("filter"), cases = [...document.querySelectorAll(".case")];
const choose = () => {
  let shown = 0;
  const wanted = [...form.querySelectorAll("select")].filter(s => s.value !== "*");
  const words = form.querySelector("input").value.trim();
  for (const c of cases) {
    const fits = wanted.every(s => c.dataset[s.name].split(" ").includes(s.value)) && (!words || c.textContent.includes(words));
    c.hidden = !fits;
    shown += fits;
  }
  for (const s of document.querySelectorAll(".cases")) s.hidden = !s.querySelector(".case:not([hidden])");
  document.getElementById("shown").textContent = "现在列出" + shown + "个，一共" + cases.length + "个。";
};
const reveal = () => {
  const id = decodeURIComponent(location.hash.slice(1)), target = document.getElementById(id);
  if (id.startsWith("f-")) {
    const faults = form.elements.f;
    form.reset();
    if ([...faults.options].some(o => o.value === id.slice(2))) faults.value = id.slice(2);
    choose();
    document.getElementById("cases").scrollIntoView();
  } else if (target && target.classList.contains("case")) {
    if (target.hidden) form.reset(), choose();
    target.open = true;
    target.scrollIntoView();
  }
};
if (form) {
  form.hidden = false;
  form.addEventListener("input", choose);
  form.addEventListener("reset", () => setTimeout(choose));
  form.addEventListener("submit", e => e.preventDefault());
  choose();
}
addEventListener("hashchange", reveal);
reveal();
