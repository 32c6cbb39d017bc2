// What can be taken from the page, as text that runs where it is pasted.

class CopyView {
  constructor(stream) {
    this.stream = stream;
    this.preview = element("pre.raw.preview", { tabindex: "0", "aria-label": "Preview" });
    const kinds = [
      ["pytest test", "A test of your accumulator with the stream up to this event", pytestTest],
      ["Event as JSON", "The data of this event, as it came", (stream, n) => (n ? stream.dataOf(n) : "")],
      ["Recording cut here", "A Python expression: the connection is lost after this event", cutExpression],
      ["curl command", "Serves the recording and requests it", curlCommand],
    ];
    this.entries = new Map();
    for (const [name, title, make] of kinds) {
      const entry = element(
        "div.copy",
        element("div", element("strong", name), element("span", title)),
        button("Show", () => this.#show(make), { "aria-label": `Show: ${name}` }),
        button("Copy", () => copy(make(stream, this.n), name), { "aria-label": `Copy: ${name}` }),
      );
      this.entries.set(make, entry);
    }
    this.element = element("div.copies", ...this.entries.values());
    this.#show(cutExpression);
  }

  show(n) {
    this.n = n;
    this.#show(this.make);
  }

  #show(make) {
    if (this.make !== make) this.entries.get(make).after(this.preview);
    this.make = make;
    const text = make(this.stream, Math.min(this.n ?? 0, make === pytestTest ? 40 : Infinity));
    this.preview.replaceChildren(...visible(text.length > 4000 ? `${text.slice(0, 4000)} …` : text));
  }
}

// The bytes that had come over the wire when event n was whole.
function cutOf(stream, n) {
  if (n === 0) return 0;
  const { cut } = stream.about.chunks;
  return cut ? cut[stream.chunk[n - 1]] : stream.ends[n - 1];
}

function cutExpression(stream, n) {
  const load = `Recording.load(${pythonString(stream.about.name)})`;
  return `from streamfold.transports import Recording\n\nrecording = ${load}.cut(at_byte=${cutOf(stream, n)})\n`;
}

function pytestTest(stream, position) {
  const n = Math.min(position, stream.count);
  const events = [];
  let left = 0;
  for (let i = 1; i <= n; i++) {
    const json = stream.jsonOf(i);
    if (json === null || typeof json !== "object" || Array.isArray(json)) left += 1;
    else events.push(`    ${pythonLiteral(json)},\n`);
  }
  const note = left ? `\n# ${plural(left, "event")} whose data is not a JSON object left out` : "";
  return `from streamfold.adapters.conformance import check_stream
from streamfold.reducer import StreamState, finish, fold

# ${stream.about.name.replace(/[^\x20-\x7e]/g, "?")}, up to event ${n}${note}
EVENTS = [
${events.join("")}]


def accumulate(events):
    """From the events to the message: put your own accumulator here."""
    return finish(StreamState(snapshot=fold(events)))


def test_stream():
    check_stream(accumulate, EVENTS)
`;
}

// The path of a request that `serve` answers: of the recorded one, if it is such.
function pathOf(url) {
  const path = URL.canParse(url) ? new URL(url).pathname : "";
  return SERVED.test(path) ? path : "/v1/messages";
}

const SERVED = /\/v1\/messages$|\/model\/.+\/invoke-with-response-stream$|\/v1\/projects\/.+:streamRawPredict$/;

function curlCommand(stream) {
  const { request, name } = stream.about;
  const body = request?.body === null || request === null ? "{}" : JSON.stringify(request.body);
  const path = shellWord(name.startsWith("-") ? `./${name}` : name);
  const url = shellWord(`http://127.0.0.1:8000${pathOf(request?.url)}`);
  const output = stream.about.framed ? " --output -" : ""; // curl asks before it prints binary data
  return `streamfold serve ${path} --port 8000 & server=$!
curl -N${output} --retry 10 --retry-delay 1 --retry-connrefused ${url} \\
  -H 'content-type: application/json' -d ${shellWord(body)}
kill $server
`;
}
