// The list of events, with its filters and search; the details of one; and the message as JSON.

class EventsView {
  constructor(stream, goTo) {
    this.stream = stream;
    this.types = new Set();
    this.faulty = new Map();
    for (const { event, kind } of stream.faults) {
      const isItsOwn = ["protocol", "error", "unfolded"].includes(kind); // and not of the body
      if (isItsOwn || (kind !== "stall" && stream.isPartial(event))) this.faulty.set(event, kind);
    }
    this.list = new LongList("Events", {
      row: (i) => this.#row(this.found[i]),
      choose: (i) => goTo(this.found[i]),
    });
    this.count = element("output.found");
    this.chosen = element("span.more", "all");
    this.search = element("input", { type: "search", placeholder: "Search", "aria-label": "Search the data of the events", input: () => this.#later() });
    const begun = Object.keys(stream.about.blocks).map(Number);
    const used = [...new Set([...begun, ...stream.block])].filter((index) => index >= 0).sort((a, b) => a - b).slice(0, 500);
    this.blocks = element(
      "select",
      { "aria-label": "Content block", change: () => this.filter() },
      element("option", { value: "" }, "All blocks"),
      used.map((index) => {
        const { type, name } = stream.about.blocks[index] ?? { type: "(never started)" };
        return element("option", { value: index }, visible(`${index} ${type}${name ? ` ${name}` : ""}`));
      }),
    );
    const counts = new Map();
    for (const label of stream.label) counts.set(label, (counts.get(label) ?? 0) + 1);
    const chips = [...counts].slice(0, 40).map(([label, count]) => this.#chip(label, count));
    this.element = element(
      "div.events",
      element("div.bar", this.search, used.length > 1 ? this.blocks : null, this.count),
      element(
        "details.types",
        element("summary", "Types ", this.chosen),
        element("div.chips", { role: "group", "aria-label": "Types of events" }, chips),
      ),
      element(
        "div.row-names",
        { "aria-hidden": "true" },
        element("span.n", "#"),
        stream.about.duration > 0 ? element("span.at", "Time") : null,
        element("span.of", "Block"),
        element("span.dot"),
        element("span", "Event"),
      ),
      this.list.element,
    );
    this.element.style.setProperty("--n-width", `${number(stream.count).length}ch`);
    this.filter();
  }

  #chip(label, count) {
    const name = this.stream.labels[label];
    const made = button(
      [element(`span.dot.${category(name)}`), visible(name), element("span.count", number(count))],
      () => {
        if (!this.types.delete(label)) this.types.add(label);
        made.setAttribute("aria-pressed", this.types.has(label));
        this.filter();
      },
      { class: "chip", "aria-pressed": "false" },
    );
    return made;
  }

  #later() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.filter(), 120);
  }

  filter() {
    const { stream } = this;
    const words = this.search.value.toLowerCase();
    const block = this.blocks.value;
    if (words && this.texts === undefined) {
      this.texts = Array.from(stream.label, (_, i) => stream.dataOf(i + 1).toLowerCase());
    }
    const names = [...this.types].map((label) => stream.labels[label]);
    this.chosen.replaceChildren(...(names.length ? visible(names.join(", ")) : ["all"]));
    const found = [];
    for (let n = 1; n <= stream.last; n++) {
      if (this.types.size && !this.types.has(stream.label[n - 1])) continue;
      if (block !== "" && stream.block[n - 1] !== Number(block)) continue;
      if (words && !this.texts[n - 1].includes(words)) continue;
      found.push(n);
    }
    this.found = found;
    const whole = countWhile(found.length, (i) => !stream.isPartial(found[i]));
    this.count.textContent = whole === stream.count ? plural(whole, "event") : `${number(whole)} of ${number(stream.count)}`;
    this.list.reset(found.length);
    if (this.n !== undefined) this.show(this.n);
  }

  show(n) {
    this.n = n;
    const position = countWhile(this.found.length, (i) => this.found[i] < n);
    this.list.activate(this.found[position] === n ? position : -1, Math.min(position, this.found.length - 1));
  }

  #row(n) {
    const { stream } = this;
    const label = stream.labelOf(n);
    const at = stream.about.duration > 0 ? element("span.at", stream.timeOf(n).toFixed(3)) : null;
    const block = stream.block[n - 1];
    const fault = this.faulty.get(n);
    const row = element(
      "div",
      element("span.n", stream.isPartial(n) ? "–" : number(n)),
      at,
      element("span.of", block < 0 ? "" : String(block)),
      element(`span.dot.${category(label)}`),
      element("span.label", visible(label)),
      element("span.preview", visible(previewOf(stream, n))),
    );
    if (n > stream.read) row.classList.add("unread");
    if (fault) row.classList.add("faulty", fault);
    return row;
  }
}

function previewOf(stream, n) {
  const json = stream.jsonOf(n);
  if (json === undefined) return oneLine(stream.dataOf(n).slice(0, 200));
  const { delta, content_block: block, error, message } = json;
  const text = delta?.text ?? delta?.thinking ?? delta?.partial_json;
  if (typeof text === "string") return oneLine(text);
  const { type, index, ...rest } = json;
  if (typeof block?.type === "string") return oneLine(`${block.type} ${block.name ?? ""}`);
  if (typeof error?.type === "string") return oneLine(`${error.type}: ${error.message}`);
  if (typeof message?.id === "string") return oneLine(`${message.model} ${message.id}`);
  if (typeof delta?.stop_reason === "string") return oneLine(delta.stop_reason);
  const shown = Object.keys(rest).length ? JSON.stringify(delta ?? rest) : "";
  return oneLine(shown);
}

class DetailsView {
  constructor(stream) {
    this.stream = stream;
    this.opened = new Set();
    this.element = element("div.details");
  }

  show(n) {
    this.element.replaceChildren(...(n === 0 ? [element("p.more", "No event yet.")] : this.#parts(n)));
  }

  // A derived event, whose JSON is made when the reader opens it. It stays open from event to event.
  #derived(event) {
    const type = String(event.type);
    const isOpen = this.opened.has(type);
    const made = element("details", { open: isOpen }, element("summary", element("code", visible(type))));
    if (isOpen) made.append(jsonBlock(event));
    made.addEventListener("toggle", () => {
      if (made.open && made.childNodes.length === 1) made.append(jsonBlock(event));
      if (made.open) this.opened.add(type);
      else this.opened.delete(type);
    });
    return made;
  }

  #parts(n) {
    const { stream } = this;
    const json = stream.jsonOf(n);
    const name = stream.about.names[stream.about.events.name[n - 1]];
    const facts = [
      ["Arrived", stream.about.duration > 0 ? seconds(stream.timeOf(n)) : null],
      ["Chunk", number(stream.chunk[n - 1] + 1)],
      ["Bytes", bytesOf(stream, n)],
      ["SSE name", stream.about.framed || stream.isPartial(n) ? null : name],
    ].filter(([, value]) => value !== null);
    const changes = stream.changesOf(n);
    const derived = stream.derivedOf(n).slice(0, 20);
    return [
      element("h3", stream.isPartial(n) ? "" : `Event ${number(n)} `, element(`span.tag.${category(stream.labelOf(n))}`, visible(stream.labelOf(n)))),
      ...whyNotApplied(stream, n),
      element("dl.facts", facts.map(([term, value]) => element("div", element("dt", term), element("dd", visible(value))))),
      json === undefined ? element("pre.raw", visible(tailOf(stream.dataOf(n), 4000))) : jsonBlock(json),
      ...changesAt(stream, n, "Changed in the message"),
      ...inputReceived(changes),
      element("h3", `Derived events (${derived.length})`),
      derived.length ? element("ol.derived", derived.map((event) => element("li", this.#derived(event)))) : element("p.more", "None."),
    ];
  }
}

// What an event changed in the message, and the number of changes.
function changesAt(stream, n, title) {
  const changes = stream.changesOf(n).filter(({ path }) => path[0] === "message");
  return [
    element("h3", `${title} (${changes.length})`),
    changes.length ? changeList(stream, n, changes) : element("p.more", "Nothing."),
  ];
}

// The reason why a stream did not take event n, if it did not.
function whyNotApplied(stream, n) {
  if (n > stream.read) return [element("p.state.unfinished", `not applied: reading stopped at ${stream.nameOf(stream.read)}`)];
  return stream.labelOf(n) === PARTIAL ? [element("p.state.unfinished", "not applied: the event is not whole")] : [];
}

// The piece of a tool's input that an event brought. The message has only what can be read of it.
function inputReceived(changes) {
  const piece = changes.find(({ path }) => path[0] === "inputs");
  if (piece === undefined) return [];
  return [element("p.field", element("span.field-name", `Input of block ${piece.path[1]}, as received: `), element("ins", "+ ", visible(oneLine(scalarText(piece.value), 400))))];
}

// What an event changed, old and new.
function changeList(stream, n, changes) {
  const items = changes.slice(0, 100).map(({ path, value, appends }) => {
    const name = element("code.path", visible(pathText(path)));
    if (appends) return element("li", name, " ", element("ins", "+ ", visible(oneLine(scalarText(value), 400))));
    const old = valueAt(stream.at(n - 1), path);
    const short = (item) => visible(oneLine(item !== null && typeof item === "object" ? shortJSON(item) : scalarText(item), 400));
    const before = old === undefined ? [] : [element("del", short(old)), " → "];
    const li = element("li", name, " ", before, element("ins", short(value)));
    return li;
  });
  stream.at(n);
  return element("ul.changes", items);
}

function shortJSON(value) {
  return jsonLines(value, [], { limit: 8 }).slice(0, 12).map((line) => (line.key === null ? "" : `${JSON.stringify(line.key)}: `) + line.text).join(" ");
}

class JSONView {
  // `showSource(n)` is called for the event that set a line.
  constructor(stream, showSource) {
    this.stream = stream;
    this.showSource = showSource;
    this.opened = new Set();
    this.changes = element("div.change-box");
    this.list = new LongList("Message as JSON; Enter leads to the event that set a line", {
      row: (i) => this.#row(i),
      open: (i) => this.#openSource(i),
    });
    this.list.rowHeight = 20;
    this.list.element.classList.add("json-lines");
    this.element = element("div.json-view", this.changes, this.list.element);
    this.lines = [];
  }

  show(n) {
    this.n = n;
    const { stream } = this;
    const changes = n === 0 ? [] : stream.changesOf(n).filter(({ path }) => path[0] === "message");
    this.changes.replaceChildren(...(n === 0 ? [] : [...changesAt(stream, n, "Difference from the previous snapshot"), ...whyNotApplied(stream, n)]));
    const options = { changes, limit: 400, opened: this.opened };
    this.lines = jsonLines(stream.at(n).message, ["message"], options);
    this.changed = this.lines.map((line) => line.kind !== "elided" && changes.some((change) => isWithin(line.path, change.path)));
    this.list.active = -1;
    this.list.reset(this.lines.length);
    this.list.activate(this.changed.indexOf(true));
  }

  #row(i) {
    const row = element("div", lineNodes(this.lines[i]));
    if (this.changed[i]) row.classList.add("changed");
    return row;
  }

  #openSource(i) {
    const { path, kind } = this.lines[i];
    if (kind === "elided") {
      this.opened.add(JSON.stringify(path));
      this.show(this.n);
      return;
    }
    const source = this.stream.sourceOf(path, this.n);
    if (source) this.showSource(source);
  }
}
