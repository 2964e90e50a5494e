/** What a server counts, and its Prometheus text (exposition format 0.0.4). Labels have few values, whatever clients send. */

export interface Counter {
  add(labels?: Labels, amount?: number): void;
}

export interface Histogram {
  observe(seconds: number, labels?: Labels): void;
}

export interface Registry {
  counter(name: string, help: string): Counter;
  /** Read when it is asked for; `total` only grows. */
  gauge(name: string, help: string, read: () => number): void;
  total(name: string, help: string, read: () => number): void;
  /** @param bounds upper ends of the buckets, going up */
  histogram(name: string, help: string, bounds: readonly number[]): Histogram;
  text(): string;
}

type Labels = Readonly<Record<string, string>>;

export function createRegistry(): Registry {
  const metrics: (() => string[])[] = [];
  const register = (name: string, type: string, help: string, lines: () => string[]): void => {
    metrics.push(() => [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines()]);
  };
  return {
    counter(name, help) {
      const values = new Map<string, number>();
      register(name, 'counter', help, () => [...values].map(([labels, value]) => line(name, labels, value)));
      return {
        add(labels = {}, amount = 1) {
          const key = keyOf(labels);
          values.set(key, (values.get(key) ?? 0) + amount);
        },
      };
    },
    gauge: (name, help, read) => register(name, 'gauge', help, () => [line(name, '', read())]),
    total: (name, help, read) => register(name, 'counter', help, () => [line(name, '', read())]),
    histogram(name, help, bounds) {
      const all = new Map<string, { readonly counts: number[]; sum: number; count: number }>();
      register(name, 'histogram', help, () =>
        [...all].flatMap(([labels, { counts, sum, count }]) => {
          const bucket = (bound: string, value: number) =>
            line(`${name}_bucket`, [labels, `le="${bound}"`].filter(Boolean).join(','), value);
          return [
            ...bounds.map((bound, i) => bucket(String(bound), counts[i]!)),
            bucket('+Inf', count),
            line(`${name}_sum`, labels, sum),
            line(`${name}_count`, labels, count),
          ];
        }),
      );
      return {
        observe(seconds, labels = {}) {
          const key = keyOf(labels);
          const entry = all.get(key) ?? { counts: bounds.map(() => 0), sum: 0, count: 0 };
          all.set(key, entry);
          for (const [i, bound] of bounds.entries()) if (seconds <= bound) entry.counts[i]!++;
          entry.sum += seconds;
          entry.count++;
        },
      };
    },
    text: () => `${metrics.flatMap((lines) => lines()).join('\n')}\n`,
  };
}

function keyOf(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`))}"`)
    .join(',');
}

const line = (name: string, labels: string, value: number): string =>
  `${name}${labels && `{${labels}}`} ${value}`;
