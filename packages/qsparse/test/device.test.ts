import { DeviceError } from '@qsparse/core';
import { BACKENDS, type DeviceName, device } from 'qsparse';
import { expect, test } from 'vitest';

test('the reference device opens by name', async () => {
  const opened = await device('reference');
  expect(opened.caps.float64).toBe(true);
  opened.dispose();
});

test('an unknown device is refused with the names that exist', async () => {
  const open = device('tpu' as DeviceName);
  await expect(open).rejects.toThrow(DeviceError);
  await expect(open).rejects.toThrow(
    '[device] there is no device "tpu"; choose one of auto, cuda, cpu, reference',
  );
});

test('a device that cannot be opened says why, and automatic choice never takes the reference device', async () => {
  const failing = (why: string) => ({
    name: 'cpu' as const,
    what: '',
    open: () => Promise.reject(new Error(why)),
  });
  const backends = [failing('no SIMD here'), ...BACKENDS.filter(({ name }) => name === 'reference')];
  for (const name of ['auto', 'cpu'] as const) {
    const open = device(name, {}, backends);
    await expect(open).rejects.toThrow(DeviceError);
    await expect(open).rejects.toThrow('no device could be opened (cpu: no SIMD here); run `qsparse doctor`');
  }
  (await device('reference', {}, backends)).dispose();
});

test('automatic choice takes the first that opens, with the options', async () => {
  const reference = BACKENDS.find(({ name }) => name === 'reference')!;
  const asked: unknown[] = [];
  const cpu = {
    name: 'cpu' as const,
    what: '',
    open: (options: object) => {
      asked.push(options);
      return reference.open({});
    },
  };
  (await device('auto', { threads: 3 }, [cpu])).dispose();
  expect(asked).toEqual([{ threads: 3 }]);
});

test('what automatic choice passed over is told with its reason, once something opened', async () => {
  const reference = BACKENDS.find(({ name }) => name === 'reference')!;
  const cuda = { name: 'cuda' as const, what: '', open: () => Promise.reject(new Error('no driver')) };
  const cpu = { name: 'cpu' as const, what: '', open: reference.open };
  const skipped: [string, string][] = [];
  const onSkip = (name: string, reason: string) => skipped.push([name, reason]);
  (await device('auto', { onSkip }, [cuda, cpu])).dispose();
  expect(skipped).toEqual([['cuda', 'no driver']]);
  await expect(device('cuda', { onSkip }, [cuda])).rejects.toThrow('(cuda: no driver)');
  expect(skipped).toHaveLength(1);
});
