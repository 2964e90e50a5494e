/** A chat template for models that have none: headings in plain text, and the end of text after every answer. */
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

/** Jinja. Throws nothing: the end of text of a tokenizer always has a name. */
export function plainChatTemplate({
  specialTokens,
  endOfText,
}: Pick<Tokenizer, 'specialTokens' | 'endOfText'>): string {
  const end = [...specialTokens].find(([, id]) => id === endOfText)?.[0] ?? '';
  return [
    '{%- for message in messages -%}',
    "{%- if message.role == 'assistant' -%}",
    `{{ '### Response:\\n' + message.content + ${JSON.stringify(end)} + '\\n\\n' }}`,
    "{%- elif message.role == 'user' -%}",
    "{{ '### Instruction:\\n' + message.content + '\\n\\n' }}",
    '{%- else -%}',
    "{{ message.content + '\\n\\n' }}",
    '{%- endif -%}',
    '{%- endfor -%}',
    "{%- if add_generation_prompt -%}{{ '### Response:\\n' }}{%- endif -%}",
    '',
  ].join('\n');
}
