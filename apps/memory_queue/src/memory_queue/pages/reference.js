// Draws openapi.json. Everything is put in as text, never as markup.

function make(tag, attributes = {}, ...children) {
  const element = Object.assign(document.createElement(tag), attributes);
  element.append(...children);
  return element;
}

// `words` between backquotes are code.
const prose = (text) => text.split("`").map((part, index) => (index % 2 ? make("code", {}, part) : part));

function resolver(root) {
  return (node) => {
    if (!node?.$ref) return node;
    const target = node.$ref.slice(2).split("/").reduce((at, key) => at[key], root);
    return { ...target, ...node };
  };
}

function bounds(schema) {
  if (schema.enum) return schema.enum.join(", ");
  if ("const" in schema) return JSON.stringify(schema.const);
  const from = schema.minimum ?? schema.minLength;
  const to = schema.maximum ?? schema.maxLength;
  const range = from === undefined && to === undefined ? "" : ` ${from ?? ""}…${to ?? ""}`;
  return [schema.type].flat().join(" or ") + range;
}

function fields(schema, asked = true) {
  const rows = Object.entries(schema.properties ?? {}).map(([name, field]) =>
    make("tr", {}, make("td", {}, make("code", {}, name), asked && schema.required?.includes(name) ? " *" : ""),
      make("td", {}, bounds(field), asked && "default" in field ? `, else ${JSON.stringify(field.default)}` : ""),
      make("td", {}, ...prose(field.description ?? ""))));
  return rows.length ? [make("table", {}, ...rows)] : [];
}

function attempt(method, path, parameters, example) {
  const inputs = parameters.map((one) => make("input", { value: one.example ?? "", ariaLabel: one.name, name: one.name }));
  const body = example && make("textarea", { value: JSON.stringify(example, null, 2), rows: 6, ariaLabel: "body", spellcheck: false });
  const answer = make("pre", { hidden: true });
  answer.setAttribute("aria-live", "polite");
  const form = make("form", {}, ...inputs, ...(body ? [body] : []), make("button", {}, "Send"), answer);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const url = inputs.reduce((at, input) => at.replace(`{${input.name}}`, encodeURIComponent(input.value)), path);
    try {
      const response = await fetch(url, { method, body: body?.value });
      answer.textContent = `${response.status} ${response.statusText}\n${await response.text()}`;
    } catch (error) {
      answer.textContent = `No answer: ${error.message}`;
    }
    answer.hidden = false;
  });
  return form;
}

function operation(path, method, item, resolve) {
  const content = item.requestBody?.content["application/json"];
  const schema = content && resolve(content.schema);
  const answers = Object.entries(item.responses).map(([status, answer]) =>
    make("tr", {}, make("td", {}, make("code", {}, status)), make("td", {}, ...prose(resolve(answer).description))));
  const shapes = Object.values(item.responses).flatMap((answer) =>
    Object.values(resolve(answer).content).flatMap((one) => fields(resolve(one.schema), false)));
  return make("section", { id: item.operationId },
    make("h2", {}, make("code", { className: "method" }, method.toUpperCase()), " ", make("code", {}, path)),
    make("p", {}, ...prose(item.summary + ". " + (item.description ?? ""))),
    ...(content ? [make("h3", {}, "Body"), make("p", {}, ...prose(item.requestBody.description)), ...fields(schema)] : []),
    make("h3", {}, "Answers"), make("table", {}, ...answers),
    ...(shapes.length ? [make("h3", {}, "What is told"), ...shapes] : []),
    make("h3", {}, "Try it"), attempt(method.toUpperCase(), path, item.parameters ?? [], content?.example));
}

const main = document.getElementById("reference");
try {
  const root = await (await fetch("/docs/openapi.json")).json();
  const sections = Object.entries(root.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, item]) => operation(path, method, item, resolver(root))));
  main.replaceChildren(
    make("h1", {}, `${root.info.title} ${root.info.version}`), make("p", {}, ...prose(root.info.description)),
    make("p", {}, make("a", { href: "/docs/openapi.json" }, "openapi.json"), " · ", make("a", { href: "/docs/openapi.yaml" }, "openapi.yaml")),
    ...sections);
} catch (error) {
  main.replaceChildren(make("p", {}, `The document could not be shown: ${error.message}`));
}
