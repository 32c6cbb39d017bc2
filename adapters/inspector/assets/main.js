// The page: one recording, or two side by side.

async function open() {
  const packed = [...document.querySelectorAll("script[data-recording]")];
  const streams = await Promise.all(packed.map((script) => Stream.read(script.textContent)));
  packed.forEach((script) => script.remove());
  const longest = Math.max(...streams.map((stream) => stream.about.duration));
  const inspectors = streams.map((stream) => new Inspector(stream, longest));
  const main = document.querySelector("main");
  const parting = streams[0].about.parting;
  if (parting) main.append(comparisonOf(parting, inspectors));
  main.append(element("div.inspectors", inspectors.map((inspector) => inspector.element)));
  if (parting) document.body.classList.add("two");

  let active = inspectors[0];
  for (const inspector of inspectors) {
    for (const part of [inspector.element, inspector.time]) {
      part.addEventListener("focusin", () => (active = inspector));
      part.addEventListener("pointerdown", () => (active = inspector));
    }
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "?" && !event.target.closest("[type=search], textarea")) showHelp();
    else if (shortcuts.checked) active.act(event);
  });
  addEventListener("beforeprint", () => inspectors.forEach((inspector) => inspector.expand()));
  addEventListener("afterprint", () => inspectors.forEach((inspector) => inspector.timeline.draw()));

  await Promise.all(inspectors.map((inspector) => inspector.goTo(beginning(inspector.stream, parting))));
  const [first] = inspectors;
  window.streamfold = {
    count: first.stream.count,
    messageAt: (n) => first.stream.messageAt(n),
    goTo: async (n) => first.goTo(first.stream.checked(n)),
    derivedAt: (n) => structuredClone(first.stream.derivedOf(n)),
    inspectors,
  };
  document.documentElement.dataset.ready = "true";
}

// The page opens at the gravest fault, or at the end.
function beginning(stream) {
  const [fault] = stream.faults;
  return fault && fault.kind !== "unfolded" ? fault.event : stream.count;
}

const help = document.querySelector("dialog");
const shortcuts = document.querySelector("#shortcuts");
function showHelp() {
  if (!help.open) help.showModal();
}
document.querySelector("#help").addEventListener("click", showHelp);

open().catch((error) => {
  document.querySelector("main").replaceChildren(
    element("p.broken", { role: "alert" }, `This page cannot be shown: ${error.message}. It needs a browser of 2023 or newer.`),
  );
});
