// Generated filters and PATCH bodies through our engines and through scim2-parse-filter and scim-patch (npm).
// compare.mjs ENGINE MODULES [COUNT] [SEED]. What README.md explains is counted by its name; anything else fails.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { isDeepStrictEqual } from 'node:util';

const [engine, modules, count = '20000', seedText = '7'] = process.argv.slice(2);
const require = createRequire(modules + '/');
const { parse, filter: compile } = require('scim2-parse-filter');
const { scimPatch } = require('scim-patch');

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const SHOWN = 10;

const ann = () => ({
  schemas: [USER], id: 'u1', userName: 'ann', active: true, name: { givenName: 'ann', familyName: 'lee' }, title: 'guide',
  emails: [{ value: 'a@w.org', type: 'work', primary: true }, { value: 'a@h.org', type: 'home' }],
  addresses: [{ locality: 'wien', type: 'work' }], meta: { resourceType: 'User', lastModified: '2026-11-21T12:00:00Z' },
});

let seed = Number(seedText);
const below = n => { seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff; return (seed >> 8) % n; };
const pick = list => list[below(list.length)];

// ---- filters ----

const TEXTS = ['ann', 'lee', 'guide', 'a', 'e', 'work', 'home', 'a@w.org', 'a@h.org', 'u1', 'wien', 'zz'];
const NAMES = ['id', 'userName', 'name.givenName', 'name.familyName', 'title', 'nickName', 'displayName', 'emails.value',
  'emails.type', 'addresses.locality', 'name.middleName'];
const PARTS = ['type', 'value', 'display'];
const OPERATORS = ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'];
const WHOLE = ['emails', 'addresses', 'name', 'phoneNumbers', 'title', 'nickName'];

const term = names => (below(10) === 0 ? `${pick(names)} pr` : `${pick(names)} ${pick(OPERATORS)} "${pick(TEXTS)}"`);
const combined = (depth, leaf) => {
  const kind = below(12);
  if (depth <= 0 || kind < 5) return leaf(depth);
  if (kind < 8) return `${combined(depth - 1, leaf)} and ${combined(depth - 1, leaf)}`;
  if (kind < 10) return `${combined(depth - 1, leaf)} or ${combined(depth - 1, leaf)}`;
  return `${kind === 10 ? 'not ' : ''}(${combined(depth - 1, leaf)})`;
};
const leaf = () => {
  const kind = below(8);
  if (kind === 0) return `active ${pick(['eq', 'ne'])} ${pick(['true', 'false'])}`;
  if (kind === 1) return `${pick(WHOLE)} pr`;
  if (kind === 2) return `emails[${combined(2, () => term(PARTS))}]`;
  return term(NAMES);
};

// ---- PATCH ----

const email = () => ({ value: pick(['x@x', 'y@y', 'a@h.org']), type: pick(['work', 'home', 'other']) });
const OPERATIONS = [
  () => ({ op: pick(['add', 'replace']), path: pick(['title', 'nickName', 'displayName']), value: pick(['a', 'b']) }),
  () => ({ op: 'remove', path: pick(['title', 'nickName', 'name', 'emails', 'addresses']) }),
  () => ({ op: pick(['add', 'replace']), path: pick(['name.givenName', 'name.middleName']), value: pick(['q', 'w']) }),
  () => ({ op: 'remove', path: pick(['name.givenName', 'name.familyName']) }),
  () => ({ op: 'add', path: 'emails', value: [email()] }),
  () => ({ op: 'replace', path: 'emails', value: [email()] }),
  () => ({ op: 'remove', path: `emails[type eq "${pick(['work', 'home', 'other'])}"]` }),
  () => ({ op: 'replace', path: `emails[type eq "${pick(['work', 'home'])}"].value`, value: pick(['n@n', 'm@m']) }),
  () => ({ op: 'add', path: `emails[type eq "${pick(['home', 'other'])}"].value`, value: pick(['n@n', 'm@m']) }),
  () => ({ op: 'add', path: `emails[type eq "${pick(['home', 'other'])}" and primary eq true].value`, value: 'n@n' }),
  () => ({ op: pick(['add', 'replace']), path: `emails[value eq "${pick(['a@w.org', 'a@h.org'])}"].display`, value: 'd' }),
  () => ({ op: 'replace', value: { active: false } }),
  () => ({ op: pick(['add', 'replace']), value: { title: 't2', nickName: pick(['n', 'm']) } }),
  () => ({ op: 'replace', path: 'active', value: pick([true, false]) }),
  () => ({ op: pick(['add', 'replace']), path: 'name', value: { middleName: 'mm' } }),
  () => ({ op: 'remove', path: `emails[type eq "${pick(['work', 'home'])}" and value co "a@"]` }),
  () => ({ op: pick(['add', 'replace']), path: 'emails', value: [{ ...email(), primary: true }] }),
];

// ---- comparing ----

function ask(kind, lines) {
  const run = spawnSync(engine, [kind, JSON.stringify(ann())], { input: lines.join('\n') + '\n', maxBuffer: 1 << 30 });
  if (run.status !== 0) throw new Error(`the engine ended with ${run.status}: ${run.stderr}`);
  const answers = run.stdout.toString().trimEnd().split('\n');
  if (answers.length !== lines.length) throw new Error(`${answers.length} answers to ${lines.length} lines`);
  return answers;
}

function attempt(work) {
  try {
    return work();
  } catch (error) {
    return { refused: String(error.message) };
  }
}

// RFC 7643 section 2.5: unassigned, null and empty are one.
function tidy(resource) {
  const copy = structuredClone(resource);
  for (const [name, value] of Object.entries(copy)) {
    if (value === null || (typeof value === 'object' && Object.keys(value).length === 0)) delete copy[name];
  }
  return copy;
}

function compare(what, cases, ours, theirs, explanations) {
  const counts = { same: 0 };
  const unexplained = [];
  cases.forEach((entry, i) => {
    const same = (ours[i].refused && theirs[i].refused) || isDeepStrictEqual(ours[i], theirs[i]);
    const why = same ? 'same' : explanations.find(row => row.applies(entry, ours[i], theirs[i]))?.name;
    if (why) counts[why] = (counts[why] ?? 0) + 1;
    else unexplained.push([entry, ours[i], theirs[i]]);
  });
  console.log(what, JSON.stringify(counts), 'unexplained', unexplained.length);
  unexplained.sort((a, b) => JSON.stringify(a[0]).length - JSON.stringify(b[0]).length);
  const shapes = new Map(unexplained.map(row => [JSON.stringify(row[0]).replace(/"value":"[^"]*"/g, ''), row]));
  for (const [entry, our, their] of [...shapes.values()].slice(0, SHOWN))
    console.log(`  ${JSON.stringify(entry)}\n    ours   ${JSON.stringify(our)}\n    theirs ${JSON.stringify(their)}`);
  return unexplained.length;
}

// Each name is a row of README.md. A row applies only when the difference is just what it says.
function withAbsentMeant(text) {
  return text.replace(/(\S+?) ne ("[^"]*")/g, (_, path, value) => {
    const open = path.match(/^.*[[(]/)?.[0] ?? '';
    const name = path.slice(open.length);
    return `${open}(${name} ne ${value} or not (${name} pr))`;
  });
}

// Every value path is put to one e-mail after the other, by their own engine.
function withElementsApart(text) {
  return text.replace(/emails\[([^\]]*)\]/g, (_, inner) => {
    const matches = compile(parse(withAbsentMeant(inner)));
    return ann().emails.some(entry => matches(entry)) ? 'id pr' : '(not (id pr))';
  });
}
const FILTER_EXPLANATIONS = [{
  name: 'ne-of-absent',
  applies: (text, our) => attempt(() => Boolean(compile(parse(withAbsentMeant(text)))(ann()))) === our,
}, {
  name: 'one-element-matches-all',
  applies: (text, our) =>
    attempt(() => Boolean(compile(parse(withAbsentMeant(withElementsApart(text))))(ann()))) === our,
}];

// Does the path's value filter name an e-mail of the user?
function names(path, user) {
  const [, text] = path.match(/^emails\[(.*)\]/);
  return (user.emails ?? []).some(compile(parse(text)));
}

// An add whose filter matches nothing, as the add of the element that the filter describes.
function asElement(operation, user) {
  const [, type, primary] = operation.path?.match(/^emails\[type eq "(\w+)"( and primary eq true)?\]\.value$/) ?? [];
  if (operation.op !== 'add' || !type || names(operation.path.replace(/\.value$/, ''), user)) return operation;
  const element = { value: operation.value, type, ...(primary && { primary: true }) };
  return { op: 'add', path: 'emails', value: [element] };
}

// scim-patch, step by step, with what RFC 7643 section 2.4 asks for after each: one primary, no (value, type) twice.
function patchedWithOnePrimary(operations, translate = operation => operation) {
  let user = ann();
  for (const given of operations) {
    const operation = translate(given, user);
    user = scimPatch(user, [structuredClone(operation)]);
    const kept = [];
    for (const entry of user.emails ?? []) {
      const twin = kept.find(other => other.value === entry.value && other.type === entry.type);
      if (twin) Object.assign(twin, entry);
      else kept.push(entry);
    }
    const last = operation.value?.findLast?.(entry => entry.primary === true);
    for (const entry of kept) {
      if (last && entry.primary && (entry.value !== last.value || entry.type !== last.type)) entry.primary = false;
    }
    if (user.emails) user.emails = kept;
  }
  return tidy(user);
}

const PATCH_EXPLANATIONS = [{
  name: 'one-primary-and-no-twins',
  applies: (operations, our) => isDeepStrictEqual(attempt(() => patchedWithOnePrimary(operations)), our),
}, {
  name: 'add-makes-the-element',
  applies: (operations, our) => isDeepStrictEqual(attempt(() => patchedWithOnePrimary(operations, asElement)), our),
}, {
  name: 'remove-without-target',
  applies: (operations, our) => our.refused?.includes('no value of emails matches') && operations.some((operation, i) =>
    operation.path?.includes('[') && !names(operation.path, scimPatch(ann(), structuredClone(operations.slice(0, i))))),
}];

const filters = Array.from({ length: Number(count) }, () => combined(3, leaf));
const ourFilters = ask('filter', filters).map(line => (line[0] === '!' ? { refused: line } : line === 'true'));
const theirFilters = filters.map(text => attempt(() => Boolean(compile(parse(text))(ann()))));
const patches = Array.from({ length: Number(count) }, () => Array.from({ length: 1 + below(3) }, () => pick(OPERATIONS)()));
const lines = patches.map(operations => JSON.stringify({ schemas: [PATCH], Operations: operations }));
const ourPatches = ask('patch', lines).map(line => (line[0] === '!' ? { refused: line } : tidy(JSON.parse(line))));
const theirPatches = patches.map(operations => attempt(() => tidy(scimPatch(ann(), structuredClone(operations)))));

const left = compare('filters', filters, ourFilters, theirFilters, FILTER_EXPLANATIONS) +
  compare('patches', patches, ourPatches, theirPatches, PATCH_EXPLANATIONS);
process.exit(left === 0 ? 0 : 1);
