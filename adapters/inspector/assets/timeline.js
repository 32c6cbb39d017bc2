// The time line: chunks, blocks and events on one axis, and a slider over it for the playhead.
//
// Each kind of mark is one path, with one stroke for each pixel: 100,000 events cost what fits on
// the screen. Moving the playhead moves one element.

const LANES = { faults: [0, 14], chunks: [16, 44], blocks: [52, 70], events: [78, 100], axis: [102, 122] };
const LANE_NAMES = { chunks: "Chunks", blocks: "Blocks", events: "Events" };
const HEIGHT = 124;
const PAPER_WIDTH = 650;
const CATEGORIES = {
  text_delta: "text",
  citations_delta: "citation",
  thinking_delta: "thinking",
  signature_delta: "thinking",
  input_json_delta: "input",
  compaction_delta: "text",
  message_start: "message",
  message_delta: "message",
  message_stop: "message",
  content_block_start: "block",
  content_block_stop: "block",
  ping: "ping",
  error: "error",
  [PARTIAL]: "partial",
  [REFUSED]: "partial",
};

const CATEGORY_NAMES = {
  text: "text",
  thinking: "thinking",
  input: "tool input",
  citation: "citation",
  block: "start, stop",
  message: "message",
  ping: "ping",
  unknown: "other",
  error: "error",
  partial: PARTIAL,
};

// An event by its number and label.
function placeOf(stream, n, length) {
  const label = oneLine(stream.labelOf(n), length);
  return stream.isPartial(n) ? label : `event ${number(n)} · ${label}`;
}

function category(label) {
  return CATEGORIES[label] ?? "unknown";
}

class Timeline {
  // `span` is the end of the axis in seconds, `move(n)` is called when the reader drags.
  constructor(stream, span, move) {
    this.stream = stream;
    this.span = span;
    this.byTime = span > 0;
    this.move = move;
    this.drawing = drawing("svg", { class: "marks", height: HEIGHT, "aria-hidden": "true" });
    this.head = element("div.playhead", { "aria-hidden": "true" });
    this.slider = element("input.slider", {
      type: "range",
      min: 0,
      max: stream.last,
      step: 1,
      "aria-label": "Playhead: events received",
      input: () => move(this.slider.valueAsNumber),
      keydown: (event) => this.#key(event),
    });
    this.pointed = element("div.pointed", { "aria-hidden": "true" });
    this.plot = element("div.timeline", this.drawing, this.pointed, this.head, this.slider, {
      pointerdown: (event) => this.#drag(event),
      pointermove: (event) => this.#point(event),
      pointerleave: () => this.pointed.replaceChildren(),
    });
    const lanes = Object.entries(LANE_NAMES).map(([lane, name]) => {
      const [top, bottom] = LANES[lane];
      return drawing("text", { x: 0, y: (top + bottom) / 2 + 4 }, name);
    });
    this.element = element(
      "div.lanes",
      drawing("svg", { class: "marks lane-names", height: HEIGHT, width: 56, "aria-hidden": "true" }, ...lanes),
      this.plot,
    );
    this.parting = null; // the event at which two recordings part
    this.width = 0;
    new ResizeObserver(() => this.draw()).observe(this.plot);
  }

  // The colours that this stream's events have.
  legend() {
    const used = new Set(this.stream.labels.map(category));
    const items = Object.keys(CATEGORY_NAMES).filter((kind) => used.has(kind));
    return element("p.legend", { "aria-hidden": "true" }, items.map((kind) => element("span", element(`span.dot.${kind}`), CATEGORY_NAMES[kind])));
  }

  #key(event) {
    const step = Math.max(1, Math.round(this.stream.last / 20));
    const steps = { PageUp: step, PageDown: -step };
    if (!(event.key in steps)) return;
    event.preventDefault();
    const n = this.slider.valueAsNumber + steps[event.key];
    this.move(Math.max(0, Math.min(this.stream.last, n)));
  }

  #drag(event) {
    if (event.button !== 0) return;
    const fault = event.target.closest("[data-fault]");
    if (fault !== null) {
      this.move(Number(fault.dataset.fault));
      return;
    }
    const follow = (moved) => this.move(this.#countAt(this.#partOf(moved)));
    event.preventDefault();
    this.slider.focus({ preventScroll: true });
    this.plot.setPointerCapture(event.pointerId);
    this.plot.addEventListener("pointermove", follow);
    const end = () => this.plot.removeEventListener("pointermove", follow);
    this.plot.addEventListener("pointerup", end, { once: true });
    this.plot.addEventListener("pointercancel", end, { once: true });
    follow(event);
  }

  // Where the pointer is on the axis, from 0 to 1.
  #partOf({ clientX }) {
    const { left, width } = this.plot.getBoundingClientRect();
    return Math.max(0, Math.min(1, (clientX - left) / width));
  }

  // The number of events up to there.
  #countAt(part) {
    const { stream } = this;
    return this.byTime ? stream.countAt(part * this.span) : Math.round(part * stream.last);
  }

  // Names the time and the event under the pointer.
  #point(event) {
    const { stream } = this;
    const part = this.#partOf(event);
    const n = this.#countAt(part);
    const words = [];
    if (this.byTime) words.push(seconds(part * this.span));
    words.push(n === 0 ? "before the first event" : placeOf(stream, n, 40));
    this.pointed.replaceChildren(element("span", visible(words.join(" · "))));
    this.pointed.style.left = `${part * 100}%`;
    this.pointed.classList.toggle("leftwards", part > 0.5);
  }

  // Where event n stands on the axis, from 0 to 1.
  part(n) {
    if (this.byTime) return this.stream.timeOf(n) / this.span;
    return this.stream.last ? n / this.stream.last : 0;
  }

  show(n, text) {
    this.head.style.transform = `translateX(${this.part(n) * 100}%)`;
    this.slider.value = n;
    this.slider.setAttribute("aria-valuetext", text);
  }

  draw(width = this.plot.clientWidth) {
    if (width === 0) return;
    this.width = width;
    this.drawing.setAttribute("width", width);
    this.drawing.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    this.drawing.replaceChildren(
      ...this.#axis(),
      ...this.#stalls(),
      ...this.#unread(),
      this.#chunks(),
      ...this.#blocks(),
      ...this.#events(),
      ...this.#parting(),
      ...this.#faults(),
    );
  }

  #x(part) {
    return Math.min(this.width - 1, Math.round(part * (this.width - 1))) + 0.5;
  }

  #axis() {
    const end = this.byTime ? this.span : this.stream.last;
    const wanted = end / Math.max(2, this.width / 90);
    const scale = 10 ** Math.floor(Math.log10(wanted || 1));
    let step = [1, 2, 5, 10].map((i) => i * scale).find((i) => i >= wanted) ?? scale;
    if (!this.byTime) step = Math.max(1, step);
    const digits = Math.max(0, -Math.floor(Math.log10(step)));
    const marks = [];
    const [top, bottom] = LANES.axis;
    for (let i = 0; i * step <= end && i < 1000; i++) {
      const x = this.#x(end ? (i * step) / end : 0);
      const label = this.byTime ? `${(i * step).toFixed(digits)} s` : number(i * step);
      marks.push(drawing("path", { class: "tick", d: `M${x} ${LANES.chunks[0]}V${top + 4}` }));
      const isLast = x > this.width - 30;
      const anchor = i === 0 ? "start" : isLast ? "end" : "middle";
      marks.push(drawing("text", { x, y: bottom - 4, "text-anchor": anchor }, label));
    }
    return marks;
  }

  #chunks() {
    const sizes = this.stream.about.chunks.size;
    const tallest = new Float64Array(this.width);
    let most = 1;
    sizes.forEach((size, i) => {
      const end = this.stream.chunkEnds[i];
      const all = this.stream.bytes.length || 1;
      const part = this.byTime ? this.stream.chunkTimes[i] / this.span : (end - size) / all;
      const x = Math.floor(this.#x(part));
      tallest[x] = Math.max(tallest[x], size);
      most = Math.max(most, size);
    });
    const [top, bottom] = LANES.chunks;
    let d = "";
    tallest.forEach((size, x) => {
      if (size === 0) return;
      const height = Math.max(3, Math.sqrt(size / most) * (bottom - top));
      d += `M${x + 0.5} ${bottom}v${-height.toFixed(1)}`;
    });
    return drawing("path", { class: "chunk", d });
  }

  #blocks() {
    const spans = new Map();
    for (let n = 1; n <= this.stream.count; n++) {
      const index = this.stream.block[n - 1];
      if (index < 0) continue;
      const span = spans.get(index);
      if (span === undefined) spans.set(index, [n, n]);
      else span[1] = n;
    }
    const [top, bottom] = LANES.blocks;
    return [...spans].slice(0, 500).map(([index, [start, end]]) => {
      const x = this.#x(this.part(start));
      const width = Math.max(2, this.#x(this.part(end)) - x - 1);
      const { type = "", name = "" } = this.stream.about.blocks[index] ?? {};
      const label = name ? `${type} ${name}` : type;
      const shape = { x, y: top, width, height: bottom - top, rx: 3, class: `span ${type ? blockKind(type) : "block"}` };
      const made = [drawing("rect", shape)];
      if (width > label.length * 6.6 + 12) {
        made.push(drawing("text", { x: x + 6, y: bottom - 5, class: "span-label" }, label));
      }
      return drawing("g", {}, ...made);
    });
  }

  #events() {
    const columns = new Map();
    const isSparse = this.stream.count < this.width / 8;
    for (let n = 1; n <= this.stream.last; n++) {
      const kind = category(this.stream.labelOf(n));
      if (!columns.has(kind)) columns.set(kind, new Uint8Array(this.width + 1));
      columns.get(kind)[Math.floor(this.#x(this.part(n)))] = 1;
    }
    const [top, bottom] = LANES.events;
    const order = ["text", "input", "thinking", "citation", "block", "message", "ping", "unknown"];
    return [...order, "error", "partial"].flatMap((kind) => {
      const taken = columns.get(kind);
      if (taken === undefined) return [];
      const isStructure = kind === "block" || kind === "message";
      const [from, to] = kind === "ping" ? [bottom - 8, bottom] : [top, isStructure ? bottom : bottom - 5];
      let d = "";
      taken.forEach((isTaken, x) => {
        if (isTaken) d += `M${x + 0.5} ${from}V${to}`;
      });
      return drawing("path", { class: `events ${kind}${isSparse ? " sparse" : ""}`, d });
    });
  }

  #stalls() {
    if (!this.byTime) return [];
    return this.stream.faults
      .filter((fault) => fault.kind === "stall")
      .map((fault) => {
        const [from, to] = fault.between;
        const x = this.#x(from / this.span);
        const width = Math.max(2, this.#x(to / this.span) - x);
        const label = width > 60 ? `${(to - from).toFixed(1)} s` : "";
        return drawing(
          "g",
          { class: "stall" },
          drawing("rect", { x, y: LANES.chunks[0], width, height: LANES.events[1] - LANES.chunks[0] }),
          drawing("text", { x: x + width / 2, y: LANES.chunks[0] + 18, "text-anchor": "middle" }, label),
        );
      });
  }

  #parting() {
    if (this.parting === null) return [];
    const x = this.#x(this.part(this.parting));
    return [drawing("path", { class: "parting-line", d: `M${x} ${LANES.chunks[0]}V${LANES.axis[0]}` })];
  }

  #xOf(fault) {
    return this.#x(this.byTime ? fault.at / this.span : this.part(fault.event));
  }

  // The part of the time line that a live stream does not read, behind a fault.
  #unread() {
    const fault = this.stream.faults.find(({ kind }) => kind === "protocol" || kind === "error");
    if (fault === undefined) return [];
    const x = this.#xOf(fault);
    const [top, bottom] = [LANES.chunks[0], LANES.events[1]];
    return [drawing("rect", { class: "unread", x, y: top, width: Math.max(0, this.width - x), height: bottom - top })];
  }

  // A flag for each fault, and the name of the gravest. A click on them leads to its event.
  #faults() {
    const faults = this.stream.faults.filter((fault) => fault.kind !== "stall").slice(0, 500);
    return faults.map((fault, i) => {
      const x = this.#xOf(fault);
      const name = FAULT_NAMES[fault.kind];
      const isRight = x > this.width - name.length * 7 - 20;
      const label = { x: isRight ? x - 9 : x + 9, y: 10, "text-anchor": isRight ? "end" : "start" };
      return drawing(
        "g",
        { class: fault.kind === "unfolded" ? "fault minor" : "fault" },
        drawing("path", { d: `M${x} 4V${LANES.events[1]}` }),
        drawing(
          "g",
          { class: "leads", "data-fault": fault.event },
          drawing("rect", { x: x - 9, y: 0, width: 18, height: 14 }),
          drawing("path", { class: "flag", d: `M${x - 5} 1h10l-5 9z` }),
          ...(i === 0 && fault.kind !== "unfolded" ? [drawing("text", label, name)] : []),
        ),
      );
    });
  }
}

function blockKind(type) {
  if (type === "text" || type === "compaction") return "text";
  if (type.includes("thinking")) return "thinking";
  if (type.endsWith("tool_use")) return "input";
  if (type.endsWith("_result")) return "citation";
  return "unknown";
}
