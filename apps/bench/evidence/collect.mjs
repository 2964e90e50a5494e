// What runs of apps/bench/evidence/run.sh left, as the CSVs of docs/evidence:
//   node apps/bench/evidence/collect.mjs RESULTS…
// RESULTS: a folder that run.sh had as OUT. What is in the CSVs stays unless the same run came again; runs that were not reached are
// left out.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { merged, readCsv, writeCsv } from './csv.mjs';

const docs = fileURLToPath(new URL('../../../docs/evidence/', import.meta.url));
const results = process.argv.slice(2);
if (results.length === 0) {
  console.error('[evidence] a folder is required; usage: node apps/bench/evidence/collect.mjs RESULTS…');
  process.exit(2);
}
/** Runs by themselves, by what they show. */
const GROUPS = {
  gradients: ['dense', 'straight-through', 'no-straight-through', 'relu'],
  continue: [
    'base',
    'go-on-dense',
    'go-on-40',
    'go-on-60',
    'go-on-60-relu2',
    'go-on-relufication',
    'go-on-drelu',
  ],
  tune: ['tune-dense', 'tune-40', 'tune-60'],
};
/** Steps whose losses are put together in one row. */
const WINDOW = 50;

for (const folder of results) collect(folder);

/** @param {string} folder */
function collect(folder) {
  const csvs = readdirSync(folder).filter((name) => name.endsWith('.csv'));
  const rows = csvs.flatMap((name) => readCsv(join(folder, name)));
  const tableOf = ({ variant, seed }) =>
    !['full', 'ternary'].includes(variant) ? 'ternary-recipe' : seed === '1' ? 'from-scratch' : 'seeds';
  const placedIn = (name) => rows.filter((row) => tableOf(row) === name);
  for (const name of ['from-scratch', 'seeds', 'ternary-recipe'])
    add(`${name}.csv`, placedIn(name), ({ run }) => run);
  addLosses(
    folder,
    placedIn('from-scratch').map(({ run }) => run),
  );

  for (const [group, names] of Object.entries(GROUPS)) {
    const found = names.flatMap((name) => {
      const steps = metricsOf(join(folder, 'runs', name));
      return steps.length > 0 ? [{ name, steps, settings: settingsOf(join(folder, 'runs', name)) }] : [];
    });
    const ran = (values) => values.flat().map((row) => ({ group, ...row }));
    const key = ({ run, step, place = '' }) => `${run} ${step} ${place}`;
    add('runs.csv', ran(found.map(validations)), key);
    add('gradient-norms.csv', ran(found.map((run) => placed(run, 'gradientNorms', 'norm'))), key);
    add('zeros.csv', ran(found.map((run) => placed(run, 'siteSparsity', 'zeros'))), key);
  }
  const tasks = readdirSync(folder).filter((name) => /^(eval|text)-.*\.jsonl$/.test(name));
  add(
    'tasks.csv',
    tasks.flatMap((name) => tasksOf(join(folder, name), name.replace(/^\w+-|\.jsonl$/g, ''))),
    ({ run, task, metric }) => `${run} ${task} ${metric}`,
  );
}

function add(name, rows, keyOf) {
  if (rows.length === 0) return;
  const path = join(docs, name);
  const all = merged(readCsv(path), rows, keyOf);
  writeCsv(path, all);
  console.log(`${name}: ${rows.length} rows read, ${all.length} in all`);
}

/** Validations of a run; the last row of one that was stopped has none. */
function validations({ name, steps, settings }) {
  return steps
    .filter((row, i) => row.validationLoss !== undefined || i === steps.length - 1)
    .map((row) => ({
      run: name,
      step: row.step,
      of: settings.steps === '0' || settings.epochs !== '0' ? steps.length : settings.steps,
      tokens: row.tokens,
      sparsity: row.sparsity,
      validation_loss: row.validationLoss,
      bits_per_byte: row.bitsPerByte,
    }));
}

function placed({ name, steps }, key, column) {
  return steps.flatMap((row) =>
    Object.entries(row[key] ?? {}).map(([place, value]) => ({
      run: name,
      step: row.step,
      place,
      [column]: Number(value.toPrecision(6)),
    })),
  );
}

function tasksOf(path, run) {
  return jsonLines(readFileSync(path, 'utf8'))
    .filter(({ event }) => event === 'task')
    .flatMap(({ task, items, metrics }) =>
      Object.entries(metrics).map(([metric, { value, standardError }]) => ({
        run,
        task,
        items,
        metric,
        value,
        standard_error: standardError,
      })),
    );
}

/** A column a run: the mean training loss of so many steps. */
function addLosses(folder, runs) {
  const path = join(docs, 'from-scratch-losses.csv');
  const rows = readCsv(path);
  for (const run of runs) {
    const where = readdirSync(join(folder, 'runs')).find((name) => name.endsWith(`.${run}`));
    const steps = where ? metricsOf(join(folder, 'runs', where)) : [];
    if (steps.length === 0) continue;
    for (const row of rows) {
      const part = steps.slice(Number(row.step) - WINDOW, Number(row.step));
      row[run] =
        part.length === WINDOW ? (part.reduce((sum, { loss }) => sum + loss, 0) / WINDOW).toFixed(4) : '';
    }
  }
  writeCsv(path, rows);
}

function metricsOf(run) {
  const path = join(run, 'metrics.jsonl');
  return existsSync(path) ? jsonLines(readFileSync(path, 'utf8')) : [];
}

function settingsOf(run) {
  const lines = readFileSync(join(run, 'run.yaml'), 'utf8').split('\n');
  return Object.fromEntries(
    lines.flatMap((line) => [/^([\w-]+): (\S.*)$/.exec(line)?.slice(1)].filter(Boolean)),
  );
}

function jsonLines(text) {
  return text.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []));
}
