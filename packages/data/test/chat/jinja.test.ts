import { expect, it } from 'vitest';
import { compileTemplate } from '../../src/chat/jinja.ts';

const render = (template: string, variables: Record<string, unknown> = {}) =>
  compileTemplate(template)(variables);

it('strips what it is told to strip, as Python does', () => {
  const text = '\n  x  \n';
  const bars = (call: string) => render(`|{{ text.${call} }}|`, { text });
  expect(bars('strip()')).toBe('|x|');
  expect(bars("strip('\\n')")).toBe('|  x  |');
  expect(bars("lstrip('\\n')")).toBe('|  x  \n|');
  expect(bars("rstrip('\\n ')")).toBe('|\n  x|');
  expect(bars("strip('\\n').lstrip(' ')")).toBe('|x  |');
  expect(bars('strip(none)')).toBe('|x|');
  expect(bars("strip('')")).toBe(`|${text}|`);
  expect(render("{{ messages[0]['content'].strip('é👍') }}", { messages: [{ content: '👍éxé' }] })).toBe('x');
  expect(() => render("{{ number.strip('x') }}", { number: 5 })).toThrow(/strip\(\) is for text/);
});

it('has ranges of bounded length', () => {
  expect(render('{% for i in range(3) %}{{ i }}{% endfor %}{{ range(8, 2, -3) | list }}')).toBe('012[8, 5]');
  expect(render('{% for i in range(5, 2) %}x{% endfor %}')).toBe('');
  for (const many of ['range(10 ** 9)', 'range(0, 5, 0)', 'range(1, 1000000000)'])
    expect(() => render(`{% for i in ${many} %}{% endfor %}`)).toThrow();
});

it('throws what templates raise and what is no template', () => {
  expect(() => render("{{ raise_exception('roles must alternate') }}")).toThrow('roles must alternate');
  expect(() => compileTemplate('{% if %}')).toThrow();
  expect(() => compileTemplate('{{ a')).toThrow();
});
