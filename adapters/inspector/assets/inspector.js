// One recording on the page: its time line, events, message and details, and one playhead for all.

const SPEEDS = [1, 2, 5, 10, 20, 50, 100];
const FAULT_NAMES = {
  protocol: "Protocol fault",
  error: "Error event",
  cut: "Cut short",
  response: "Bad response",
  unfolded: "Not folded",
  stall: "Stall",
};
const FAULTS_SHOWN = 3;
const WIRE = 1; // the position of its tab

class Inspector {
  constructor(stream, span) {
    this.stream = stream;
    this.n = 0;
    this.playing = null;
    const goTo = (n) => void this.goTo(n);
    this.timeline = new Timeline(stream, span, (n) => this.#moveTo(n));
    this.events = new EventsView(stream, goTo);
    const showSource = (n) => {
      goTo(n);
      this.detailTabs.show(WIRE);
    };
    this.message = new MessageView(stream, goTo, showSource);
    this.json = new JSONView(stream, showSource);
    this.details = new DetailsView(stream);
    this.wire = new WireView(stream, goTo);
    this.copies = new CopyView(stream);
    this.element = this.#layout();
    this.#keys();
  }

  // Moves the playhead to where n events have been received.
  async goTo(n) {
    this.stream.at(n); // a RangeError, if there is no such row
    this.n = n;
    this.#show();
  }

  // As `goTo`, when the reader moves the playhead. `moved`, if it is set, is called with the number of
  // events and the time, so that another recording can follow.
  #moveTo(n) {
    this.goTo(n);
    this.moved?.(n, this.#timeAt(n));
  }

  #show() {
    const { n, stream } = this;
    const text = this.#position();
    this.timeline.show(n, text);
    this.events.show(n);
    this.place.textContent = text;
    this.#showTabs();
  }

  #showTabs() {
    const { n } = this;
    if (this.messageTabs.current === 0) {
      this.message.show(n);
    } else {
      this.json.show(n);
    }
    [this.details, this.wire, this.copies][this.detailTabs.current].show(n);
    this.#follow();
  }

  // Brings the last change into view, and the event on the wire, once the page is laid out anyway.
  #follow() {
    this.following ??= requestAnimationFrame(() => {
      this.following = null;
      const changes = this.message.blocks.querySelectorAll("mark");
      const change = this.message.faults.firstElementChild ?? changes[changes.length - 1];
      reveal(this.messagePanel, change, change, false);
      reveal(this.wirePanel, ...this.wire.target());
    });
  }

  #position() {
    const { n, stream } = this;
    const count = number(stream.count);
    if (n === 0) return `Before the first of ${plural(stream.count, "event")}`;
    const at = stream.about.duration > 0 ? ` · ${seconds(stream.timeOf(n))}` : "";
    if (stream.isPartial(n)) return `${stream.count ? `Behind event ${count}` : "No whole event"}: ${stream.labelOf(n)}${at}`;
    return `Event ${number(n)} of ${count} · ${stream.labelOf(n)}${at}`;
  }

  // --- playback -----------------------------------------------------------------------------------

  get #end() {
    const { stream } = this;
    return stream.about.duration > 0 ? stream.timeOf(stream.last) : stream.last / 20;
  }

  #timeAt(n) {
    return this.stream.about.duration > 0 ? this.stream.timeOf(n) : n / 20;
  }

  #countAt(time) {
    const { stream } = this;
    if (stream.about.duration > 0) return stream.countAt(time);
    return Math.min(stream.last, Math.floor(time * 20));
  }

  toggle() {
    if (this.playing !== null) this.pause();
    else this.play();
  }

  play() {
    if (this.n >= this.stream.last) this.#moveTo(0);
    let time = this.#timeAt(this.n);
    let before = performance.now();
    const step = (now) => {
      time += ((now - before) / 1000) * Number(this.speed.value);
      before = now;
      const n = Math.max(this.n, this.#countAt(time));
      if (n !== this.n) this.goTo(n);
      this.moved?.(n, time);
      if (time >= (this.moved ? this.timeline.span : 0) && time >= this.#end) this.pause();
      else this.playing = requestAnimationFrame(step);
    };
    this.playing = requestAnimationFrame(step);
    this.#showPlaying();
  }

  pause() {
    if (this.playing !== null) cancelAnimationFrame(this.playing);
    this.playing = null;
    this.#showPlaying();
  }

  #showPlaying() {
    const isPlaying = this.playing !== null;
    this.playButton.replaceChildren(icon(isPlaying ? "pause" : "play"));
    setAll(this.playButton, { "aria-label": isPlaying ? "Pause" : "Play", title: isPlaying ? "Pause (space)" : "Play (space)" });
  }

  move(step) {
    this.#moveTo(Math.max(0, Math.min(this.stream.last, this.n + step)));
  }

  nextFault() {
    const events = [...new Set(this.stream.faults.map((fault) => fault.event))].sort((a, b) => a - b);
    if (events.length === 0) {
      announce("No faults");
      return;
    }
    this.goTo(events.find((event) => event > this.n) ?? events[0]);
    const words = ({ kind, text, plain }) => [`${FAULT_NAMES[kind]}: ${text}`, plain].filter(Boolean).join("; ");
    announce(this.stream.faultsAt(this.n).map(words).join("; "));
  }

  // --- layout -------------------------------------------------------------------------------------

  #layout() {
    this.place = element("span.place");
    this.speed = element("select", { "aria-label": "Playback speed" }, SPEEDS.map((speed) => element("option", { value: speed }, `${speed}×`)));
    this.playButton = iconButton("play", "Play", () => this.toggle());
    const controls = element(
      "div.controls",
      { role: "group", "aria-label": "Playback" },
      iconButton("first", "To the start", () => this.#moveTo(0)),
      iconButton("back", "One event back", () => this.move(-1)),
      this.playButton,
      iconButton("forward", "One event forward", () => this.move(1)),
      iconButton("last", "To the end", () => this.#moveTo(this.stream.last)),
      this.speed,
      this.place,
      this.timeline.legend(),
    );
    this.time = element("section.time", { "aria-label": "Time" }, this.timeline.element, controls);

    const reading = element("div.panel", this.message.element);
    this.messagePanel = reading;
    const json = element("div.panel.json-panel", this.json.element);
    this.messageTabs = tabs("Message as", [
      ["Message", reading, () => this.#showTabs()],
      ["JSON and changes", json, () => this.#showTabs()],
    ]);
    const message = element("section.pane.reader", { "aria-label": "Message at the playhead" }, this.messageTabs.list, reading, json);

    const details = element("div.panel", this.details.element);
    const wire = element("div.panel", this.wire.element);
    this.wirePanel = wire;
    const copies = element("div.panel", this.copies.element);
    this.detailTabs = tabs("Details", [
      ["Event", details, () => this.#showTabs()],
      ["Wire", wire, () => this.#showTabs()],
      ["Copy", copies, () => this.#showTabs()],
    ]);
    const detail = element("section.pane.detail", { "aria-label": "The event at the playhead" }, this.detailTabs.list, details, wire, copies);

    const events = element("section.pane.list", { "aria-label": "Events" }, this.events.element);
    const made = element(
      "article.inspector",
      { "aria-label": this.stream.about.name },
      headerOf(this.stream),
      this.#faultList(),
      this.time,
      element("div.columns", events, message, detail),
    );
    this.messageTabs.current = 0;
    queueMicrotask(() => {
      this.messageTabs.show(0);
      this.detailTabs.show(0);
    });
    return made;
  }

  #faultList() {
    const { faults } = this.stream;
    if (faults.length === 0) return null;
    const items = faults.map((fault) => {
      const where = fault.event ? this.stream.nameOf(fault.event) : "the start";
      return element(
        `li.${fault.kind}`,
        element("strong", FAULT_NAMES[fault.kind]),
        element("span", faultText(fault)),
        button(`Go to ${where}`, () => this.goTo(fault.event), { class: "link" }),
      );
    });
    const rest = items.slice(FAULTS_SHOWN);
    const list = element("ul.faults", items.slice(0, FAULTS_SHOWN));
    const more = rest.length
      ? element("details", element("summary", `${number(rest.length)} more`), element("ul.faults", rest.slice(0, 500)))
      : null;
    return element("section.fault-list", { "aria-label": "Faults" }, list, more);
  }

  // --- keys ---------------------------------------------------------------------------------------

  #keys() {
    const actions = {
      ArrowLeft: () => this.move(-1),
      ArrowRight: () => this.move(1),
      " ": () => this.toggle(),
      Home: () => this.#moveTo(0),
      End: () => this.#moveTo(this.stream.last),
      f: () => this.nextFault(),
      "/": () => this.events.search.focus(),
    };
    this.act = (event) => {
      const action = actions[event.key];
      if (action === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
      const target = event.target;
      if (target.closest("input:not([type=range], [type=checkbox]), select, textarea, dialog")) return;
      if (target.closest("[type=range]") && /^(Arrow|Home|End)/.test(event.key)) return;
      if (event.key === " " && target.closest("button, summary, [type=checkbox]")) return;
      event.preventDefault();
      action();
    };
  }

  // For paper: all of the message, and a time line as wide as a page.
  expand() {
    this.timeline.draw(PAPER_WIDTH);
    this.message.expand();
  }
}

// Brings into view what stands from one element to another; of too much, its end if that matters more.
function reveal(view, first, last, isEnd) {
  if (!first || view.hidden || view.scrollHeight <= view.clientHeight) return;
  const { top } = first.getBoundingClientRect();
  const { bottom } = last.getBoundingClientRect();
  const frame = frameOf(view);
  const [height, margin] = [frame.bottom - frame.top, 12];
  if (top >= frame.top + margin && bottom <= frame.bottom - margin) return;
  const room = height - (bottom - top) - margin;
  if (room >= margin) view.scrollTop += top - frame.top - Math.min(height / 3, room);
  else view.scrollTop += isEnd ? bottom - frame.bottom + 2 * margin : top - frame.top - margin;
}

function faultHere(fault) {
  return element(`p.fault-here.${fault.kind}`, element("strong", FAULT_NAMES[fault.kind]), " ", faultText(fault));
}

function faultText(fault) {
  const name = fault.error ? [element("code", fault.error), " "] : [];
  const plain = fault.plain ? element("span.plain", `${fault.plain[0].toUpperCase()}${fault.plain.slice(1)}.`) : null;
  return element("span.fault-text", name, visible(fault.text), plain);
}

function headerOf(stream) {
  const { about } = stream;
  const worst = stream.faults.find((fault) => fault.kind !== "unfolded" && fault.kind !== "stall");
  const status = worst ? FAULT_NAMES[worst.kind] : "Complete";
  const { timing } = about;
  const metrics = [
    ["Events", number(stream.count)],
    ["Bytes", bytesSize(about.received)],
    ["Chunks", number(stream.chunkTimes.length)],
  ];
  if (about.duration > 0) {
    const time = (value) => (value === null ? "–" : seconds(value));
    const stalls = stream.faults.filter((fault) => fault.between).map(({ between: [from, to] }) => to - from);
    const gap = Math.max(timing.longest_gap ?? -1, ...stalls); // one before the end has no event behind it
    metrics.unshift(
      ["First event", time(timing.first_event)],
      ["First content", time(timing.first_content)],
      ["Longest gap", time(gap < 0 ? null : gap)],
      ["Duration", seconds(about.duration)],
    );
    const rate = timing.output_tokens_per_second;
    const why = timing.output_tokens === null ? "No message_delta brought the number of output tokens." : "All content came at once.";
    metrics.splice(3, 0, rate === null ? ["Tokens per second", "–", why] : ["Tokens per second", rate.toFixed(1)]);
  }
  if (timing.output_tokens !== null) metrics.push(["Output tokens", number(timing.output_tokens)]);
  if (timing.pings) metrics.push(["Pings", number(timing.pings)]);
  return element(
    "header.about",
    element(
      "div.title",
      element("h2", visible(about.name)),
      element(`span.verdict.${worst ? "bad" : "good"}`, status),
    ),
    element("dl.metrics", metrics.map(([name, value, title = null]) => element("div", { title }, element("dt", name), element("dd", value)))),
    requestOf(stream),
  );
}

function requestOf(stream) {
  const { request, response } = stream.about;
  const models = [request?.body?.model, stream.at(stream.count).message?.model];
  const differ = models.every((model) => typeof model === "string") && models[0] !== models[1];
  const headers = (pairs) => element("table", element("tbody", pairs.map(([name, value]) => element("tr", element("th", { scope: "row" }, visible(name)), element("td", visible(value))))));
  const line = request ? `${request.method} ${request.url}` : "Request not recorded";
  return element(
    "details.exchange",
    element("summary", visible(line), ` · status ${response.status}`, differ ? visible(` · requested ${models[0]}, answered ${models[1]}`) : null),
    element(
      "div.exchange-body",
      request ? [element("h3", "Request"), headers(request.headers), request.body === null ? null : jsonBlock(request.body)] : null,
      element("h3", "Response"),
      headers(response.headers),
      element("p.more", response.headers.length ? "Other headers were not recorded." : "No headers were recorded."),
    ),
  );
}
