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
    '[device] there is no device "tpu"; choose one of auto, cuda, webgpu, cpu, reference',
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

test('automatic choice does not try what cannot be there; asked for by name, it is tried', async () => {
  const reference = BACKENDS.find(({ name }) => name === 'reference')!;
  let tried = 0;
  const webgpu = {
    name: 'webgpu' as const,
    what: '',
    skip: () => 'no graphics device',
    open: () => {
      tried += 1;
      return Promise.reject(new Error('no adapter'));
    },
  };
  const cpu = { name: 'cpu' as const, what: '', open: reference.open };
  const skipped: string[] = [];
  (await device('auto', { onSkip: (_, reason) => skipped.push(reason) }, [webgpu, cpu])).dispose();
  expect([tried, skipped]).toEqual([0, ['no graphics device']]);
  await expect(device('webgpu', {}, [webgpu])).rejects.toThrow('(webgpu: no adapter)');
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

test('automatic choice passes over what opens and is slower than the next one; by name it is taken', async () => {
  const reference = BACKENDS.find(({ name }) => name === 'reference')!;
  const { passOver } = BACKENDS.find(({ name }) => name === 'webgpu')!;
  const disposed: boolean[] = [];
  const open = async () => {
    const opened = await reference.open({});
    return { ...opened, software: true, description: 'SwiftShader', dispose: () => disposed.push(true) };
  };
  const webgpu = {
    name: 'webgpu' as const,
    what: '',
    open: open as typeof reference.open,
    passOver: passOver!,
  };
  const cpu = { name: 'cpu' as const, what: '', open: reference.open };
  const skipped: string[] = [];
  const onSkip = (name: string, reason: string) => skipped.push(`${name}: ${reason}`);
  expect((await device('auto', { onSkip }, [webgpu, cpu])).description).not.toBe('SwiftShader');
  expect(skipped).toEqual(['webgpu: SwiftShader runs on the processor, slower than the cpu device']);
  expect(disposed).toEqual([true]);
  expect((await device('webgpu', { onSkip }, [webgpu, cpu])).description).toBe('SwiftShader');
});
