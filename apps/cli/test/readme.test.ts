import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { command as chat } from '../src/commands/chat.ts';
import { command as convert } from '../src/commands/convert.ts';
import { command as doctor } from '../src/commands/doctor.ts';
import { command as exportCommand } from '../src/commands/export.ts';
import { command as generate } from '../src/commands/generate.ts';
import { command as inspect } from '../src/commands/inspect.ts';
import { command as merge } from '../src/commands/merge.ts';
import { command as serve } from '../src/commands/serve.ts';
import { command as train } from '../src/commands/train.ts';
import { command as verify } from '../src/commands/verify.ts';
import { DEFAULT_PRESET } from '../src/train/presets.ts';
import { presetSettings, SETTINGS, type SettingName } from '../src/train/settings.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
/** Cells of the tables, without the padding. */
const rows = readme
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .map((line) =>
    line
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim())
      .slice(1, -1),
  );

test('every setting stands there with its default and meaning', () => {
  const values = presetSettings(DEFAULT_PRESET);
  for (const [name, { help, ...rule }] of Object.entries(SETTINGS)) {
    const value = values[name as SettingName];
    const shown = value === '' ? '' : `\`${/\s/.test(String(value)) ? JSON.stringify(value) : value}\``;
    const choices = 'choices' in rule ? `: ${rule.choices.map((choice) => `\`${choice}\``).join(', ')}` : '';
    expect(rows).toContainEqual([`\`${name}\``, shown, `${help}${choices}`]);
  }
});

test('every option of every command stands there', () => {
  for (const { name, options } of [
    train,
    generate,
    chat,
    serve,
    convert,
    exportCommand,
    merge,
    verify,
    inspect,
    doctor,
  ]) {
    expect(readme).toContain(`qsparse ${name}`);
    for (const option of Object.keys(options)) {
      if (!Object.hasOwn(SETTINGS, option)) expect(readme).toMatch(new RegExp(`\`.*--${option}\\b`));
    }
  }
});
