import { test } from 'vitest';
import { startRuntime } from '../src/runtime/start.ts';

const MB = 1 << 20;
test('bench', async () => {
  for (const threads of [1, 2]) {
    const rt = await startRuntime({ threads });
    const A = rt.heapStart,
      B = A + 64 * MB,
      C = B + 64 * MB,
      ARG = C + 64 * MB;
    rt.growTo(ARG + 4096);
    const f = rt.views.f32;
    for (let i = A >> 2; i < C >> 2; i++) f[i] = Math.random() - 0.5;
    const time = (label: string, bytes: number, kernel: any, args: any) => {
      rt.writeArguments(kernel, ARG, args);
      let best = 1e9;
      for (let i = 0; i < 12; i++) {
        const t = performance.now();
        rt.launch((rt.kernels as any)[kernel], ARG);
        best = Math.min(best, performance.now() - t);
      }
      console.log(
        `t${threads} ${label.padEnd(34)} ${(best * 1e3).toFixed(1)} us  ${(bytes / best / 1e6).toFixed(1)} GB/s`,
      );
    };
    const n = 8 * MB; // 32 MB
    const small = 256 * 1024;
    for (const count of [n, small]) {
      const k = count === n ? 'big' : '1MB';
      time(`fill ${k}`, 4 * count, 'fill', { out: C, count, value: 1 });
      time(`scale ${k}`, 8 * count, 'scale', { x: A, y: C, count, factor: 1.5 });
      time(`binary same ${k}`, 12 * count, 'binary', { a: A, b: B, y: C, count, period: count, kind: 0 });
      time(`binary p1 ${k}`, 8 * count, 'binary', { a: A, b: B, y: C, count, period: 1, kind: 0 });
      time(`binary p3 ${k}`, 8 * count, 'binary', { a: A, b: B, y: C, count, period: 3, kind: 2 });
      time(`binary p1024 ${k}`, 8 * count, 'binary', { a: A, b: B, y: C, count, period: 1024, kind: 2 });
      time(`binary div ${k}`, 12 * count, 'binary', { a: A, b: B, y: C, count, period: count, kind: 3 });
      time(`broadcast lead 1000 ${k}`, 4 * count, 'broadcast', {
        x: A,
        y: C,
        rows: count / 1024,
        width: 1024,
        last: 0,
      });
      time(`broadcast last 1024 ${k}`, 4 * count, 'broadcast', {
        x: A,
        y: C,
        rows: count / 1024,
        width: 1024,
        last: 1,
      });
      time(`broadcast last 4 ${k}`, 4 * count, 'broadcast', {
        x: A,
        y: C,
        rows: count / 4,
        width: 4,
        last: 1,
      });
      time(`reduce all ${k}`, 4 * count, 'reduce_last', { x: A, y: C, rows: 1, n: count, kind: 0 });
      time(`reduce last 512 ${k}`, 4 * count, 'reduce_last', {
        x: A,
        y: C,
        rows: count / 512,
        n: 512,
        kind: 0,
      });
      time(`reduce last 8 ${k}`, 4 * count, 'reduce_last', { x: A, y: C, rows: count / 8, n: 8, kind: 0 });
      time(`reduce max 512 ${k}`, 4 * count, 'reduce_last', {
        x: A,
        y: C,
        rows: count / 512,
        n: 512,
        kind: 2,
      });
      for (const w of [2, 16, 512, 768, 8192])
        time(`reduce lead ${w} ${k}`, 4 * count, 'reduce_leading', {
          x: A,
          y: C,
          rows: Math.floor(count / w),
          n: w,
          kind: 0,
        });
      time(`random ${k}`, 4 * count, 'random', { into: C, state: A, count });
      time(`argmax ${k}`, 4 * count, 'argmax', { x: A, y: C, rows: count / 1024, n: 1024 });
      time(`slice ${k}`, 4 * count, 'slice', {
        x: A,
        y: C,
        blocks: count / 1024,
        bytes: 2048,
        xStride: 4096,
      });
      time(`slice1 ${k}`, 1 * count, 'slice', { x: A, y: C, blocks: count / 8, bytes: 4, xStride: 32 });
      const zero = {
        size0: 1,
        size1: 1,
        size2: 1,
        xStride0: 0,
        xStride1: 0,
        xStride2: 0,
        yStride0: 0,
        yStride1: 0,
        yStride2: 0,
      };
      const rows = count === n ? 2048 : 512;
      const columns = count / rows;
      time(`transpose ${rows} ${columns} ${k}`, 8 * count, 'permute_tiles', {
        ...zero,
        x: A,
        y: C,
        rows,
        columns,
        xStride: columns,
        yStride: rows,
        elementBytes: 4,
      });
      time(`transpose 1000 ${k}`, 8 * 1e6, 'permute_tiles', {
        ...zero,
        x: A,
        y: C,
        rows: 1000,
        columns: 1000,
        xStride: 1000,
        yStride: 1000,
        elementBytes: 4,
      });
      time(`transpose16 ${rows} ${columns} ${k}`, 4 * count, 'permute_tiles', {
        ...zero,
        x: A,
        y: C,
        rows,
        columns,
        xStride: columns,
        yStride: rows,
        elementBytes: 2,
      });
      time(`transpose8 ${rows} ${columns} ${k}`, 2 * count, 'permute_tiles', {
        ...zero,
        x: A,
        y: C,
        rows,
        columns,
        xStride: columns,
        yStride: rows,
        elementBytes: 1,
      });
      // [B,T,H,D] -> [B,H,T,D]: D 64, H 8
      const T = 256,
        H = 8,
        D = 64,
        Bt = count / (T * H * D);
      time(`heads ${k}`, 8 * count, 'permute_rows', {
        x: A,
        y: C,
        elementBytes: 4,
        size0: 1,
        stride0: 0,
        size1: Bt,
        stride1: T * H * D,
        size2: H,
        stride2: D,
        size3: T,
        stride3: H * D,
        width: D,
      });
    }
    rt.dispose();
  }
}, 60000);
