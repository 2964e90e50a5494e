import { FormatError } from '@qsparse/formats';
import { expect, it } from 'vitest';
import { readChatTemplates } from '../../src/pretrained/chat-sources.ts';

const read = (files: Record<string, string | Uint8Array>) =>
  Object.fromEntries(
    [...readChatTemplates(files, (file) => `m/${file}`)].map(([name, { template }]) => [name, template]),
  );
const config = (chat_template: unknown) => ({ 'tokenizer_config.json': JSON.stringify({ chat_template }) });

it('reads one template or several with names', () => {
  expect(read({})).toEqual({});
  expect(read(config(null))).toEqual({});
  expect(read(config('A'))).toEqual({ default: 'A' });
  const several = [
    { name: 'default', template: 'A' },
    { name: 'tool_use', template: 'B' },
  ];
  expect(read(config(several))).toEqual({ default: 'A', tool_use: 'B' });
});

it('lets files of their own go first', () => {
  const files = {
    ...config('A'),
    'chat_template.json': '{"chat_template": "old"}',
    'chat_template.jinja': new TextEncoder().encode('\ufeffJ'),
    'additional_chat_templates/rag.jinja': 'R',
    'additional_chat_templates/readme.txt': 'no',
  };
  expect(read(files)).toEqual({ default: 'J', rag: 'R' });
  expect(read({ 'chat_template.json': '{"chat_template": "old"}' })).toEqual({ default: 'old' });
  expect(readChatTemplates(files, (file) => `m/${file}`).get('default')?.file).toBe('m/chat_template.jinja');
});

it('refuses what is no text', () => {
  expect(() => read(config(5))).toThrow(/"chat_template" must be a string, got 5/);
  expect(() => read(config([{ name: 'a' }]))).toThrow(/"chat_template\.0\.template" is required/);
  expect(() => read({ 'chat_template.jinja': Uint8Array.of(0xff) })).toThrow(FormatError);
  expect(() => read({ 'chat_template.jinja': Uint8Array.of(0xff) })).toThrow(/m\/chat_template\.jinja/);
});
