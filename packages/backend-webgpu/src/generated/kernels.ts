// Made by scripts/build-wgsl.mjs from src/kernels/*.wgsl.
import type { ModuleData } from '../module-data.ts';

const FLAT = "//flat:3\nconst FLAT_THREADS = 64u;\n\nfn flat_index(group: vec3u, groups: vec3u, lane: u32) -> u32 {\nreturn (group.x + group.y * groups.x) * FLAT_THREADS + lane;\n}\n";
const BITS = "//bits:3\nconst NOT_FINITE = 0x7f800000u;\n\n\nfn magnitude_of(x: f32) -> u32 {\nreturn bitcast<u32>(x) & 0x7fffffffu;\n}\n\nfn is_finite(x: f32) -> bool {\nreturn magnitude_of(x) < NOT_FINITE;\n}\n\nfn is_nan(x: f32) -> bool {\nreturn magnitude_of(x) > NOT_FINITE;\n}\n\nfn is_negative(x: f32) -> bool {\nreturn bitcast<u32>(x) >= 0x80000000u;\n}\n\n\nfn nan_from(any: u32) -> f32 {\nreturn bitcast<f32>(any | 0x7fc00000u);\n}\n\n\nfn order_of(x: f32) -> u32 {\nlet bits = bitcast<u32>(x);\nlet ordered = select(bits | 0x80000000u, ~bits, bits >= 0x80000000u);\nreturn select(ordered, 0xffffffffu, is_nan(x));\n}\n\nfn from_order(order: u32) -> f32 {\nreturn bitcast<f32>(select(~order, order & 0x7fffffffu, order >= 0x80000000u));\n}\n\n\nfn root_of(x: f32) -> f32 {\nlet bits = bitcast<u32>(x);\nif ((bits & 0x7fffffffu) == 0u || bits == NOT_FINITE || is_nan(x)) {\nreturn x;\n}\nif (bits >= 0x80000000u) {\nreturn nan_from(bits);\n}\nreturn sqrt(x);\n}\n\n\nfn lowered(x: f32, n: u32) -> f32 {\nreturn bitcast<f32>(max(magnitude_of(x), n << 23u) - (n << 23u));\n}\n\n\nfn divide_exactly(a: f32, b: f32) -> f32 {\nlet near = a / b;\nreturn fma(fma(-near, b, a), 1.0 / b, near);\n}\n\n\n\nfn level_number(x: f32, largest: f32) -> f32 {\nlet huge = magnitude_of(largest) >= 0x5f800000u;\nlet tame = select(vec2f(127.0, 1.0), vec2f(127.0, 1.0) * 0x1p-64f, huge);\nreturn round(divide_exactly(tame.x * x, tame.y * largest));\n}\n";
const ADAMW_STEP = "//adamw-step:4\nstruct Factors {\nfinite: bool,\nclip: f32,\nkept: f32,\nrate: f32,\ncorrection1: f32,\ncorrection2: f32,\n}\n\nfn factors() -> Factors {\nlet length = norm[arguments.norm_at];\nlet at = arguments.hyper_at;\nlet rate = hyper[at];\nlet most = hyper[at + 4u];\nvar all: Factors;\nall.finite = is_finite(length);\n\nall.clip = select(1.0, min(1.0, most / (length + 1e-6)), most > 0.0);\nall.kept = select(1.0, 1.0 - rate * hyper[at + 1u], arguments.decay != 0u);\nall.rate = rate;\nall.correction1 = hyper[at + 2u];\nall.correction2 = hyper[at + 3u];\nreturn all;\n}\n";
const PLACES = "//places:4\nconst HAS_POSITION = 1u;\nconst HAS_EACH = 2u;\nconst HAS_FIRST = 4u;\n\nfn has(what: u32) -> bool {\nreturn (arguments.places & what) != 0u;\n}\n";
const ATTENTION_SEEN = "//attention-seen:6\nconst FAR = 1 << 30u;\n\nstruct Seen {\nbegin: i32,\nend: i32,\n}\n\n\nfn seen_of(b: u32, t: u32) -> Seen {\nif (t >= arguments.queries) {\nreturn Seen(0, 0);\n}\nlet keys = i32(arguments.keys);\nvar start = keys - i32(arguments.queries);\nif (has(HAS_POSITION)) {\nstart = clamp(position[arguments.position_at + select(0u, b, has(HAS_EACH))], -FAR, FAR);\n}\nlet last = start + i32(t);\nvar begin = 0;\nif (arguments.window > 0) {\nbegin = max(begin, last - arguments.window + 1);\n}\nif (has(HAS_FIRST)) {\nbegin = max(begin, first[arguments.first_at + b * arguments.queries + t]);\n}\nreturn Seen(begin, min(keys, last + 1));\n}\n";
const ATTENTION_MIX_BLOCKS = "//attention-mix-blocks:7\nfn write_sums_of_keys(index: u32) {\nif (index >= arguments.blocks) {\nreturn;\n}\nlet column_blocks = (arguments.width + 3u) / 4u;\nlet query_blocks = arguments.padded_queries / 4u;\nlet d = index % column_blocks * 4u;\nlet t = index / column_blocks % query_blocks * 4u;\nlet pair = index / column_blocks / query_blocks;\nlet ratio = arguments.heads / arguments.groups;\nlet group = arguments.first_group + pair / ratio;\nlet batch = group / arguments.groups;\nlet head = group % arguments.groups * ratio + pair % ratio;\nvar begin = i32(arguments.keys);\nvar end = 0;\nfor (var i = 0u; i < 4u; i++) {\nlet seen = seen_of(batch, t + i);\nif (seen.begin < seen.end) {\nbegin = min(begin, seen.begin);\nend = max(end, seen.end);\n}\n}\nlet row = arguments.padded_keys / 4u;\nlet at = arguments.weights_begin + (pair * arguments.padded_queries + t) * row;\nlet last = arguments.keys - 1u;\nvar sums = mat4x4f();\nfor (var j = u32(begin) / 4u * 4u; j < u32(end); j += 4u) {\nlet first_row = batch * arguments.keys;\nlet x_block = mat4x4f(\nload_x((first_row + j) * arguments.groups + group % arguments.groups, d),\nload_x((first_row + min(j + 1u, last)) * arguments.groups + group % arguments.groups, d),\nload_x((first_row + min(j + 2u, last)) * arguments.groups + group % arguments.groups, d),\nload_x((first_row + min(j + 3u, last)) * arguments.groups + group % arguments.groups, d),\n);\nlet place = at + j / 4u;\nsums += x_block * mat4x4f(\nweights[place],\nweights[place + row],\nweights[place + 2u * row],\nweights[place + 3u * row],\n);\n}\nfor (var i = 0u; i < min(4u, arguments.queries - t); i++) {\nstore_y((batch * arguments.queries + t + i) * arguments.heads + head, d, sums[i]);\n}\n}\n\n\nfn write_sums_of_queries(index: u32) {\nif (index >= arguments.blocks) {\nreturn;\n}\nlet column_blocks = (arguments.width + 3u) / 4u;\nlet row = arguments.padded_keys / 4u;\nlet d = index % column_blocks * 4u;\nlet key_block = index / column_blocks % row;\nlet own = index / column_blocks / row;\nlet ratio = arguments.heads / arguments.groups;\nlet group = arguments.first_group + own;\nlet batch = group / arguments.groups;\nlet last = arguments.queries - 1u;\n\nvar first_query = 0u;\nif (!has(HAS_POSITION)) {\nfirst_query = u32(max(0, i32(key_block * 4u) - i32(arguments.keys - arguments.queries))) / 4u * 4u;\n}\nvar sums = mat4x4f();\nfor (var i = 0u; i < ratio; i++) {\nlet head = group % arguments.groups * ratio + i;\nlet at = arguments.weights_begin + (own * ratio + i) * arguments.padded_queries * row + key_block;\nlet x_row = batch * arguments.queries;\nfor (var t = first_query; t < arguments.queries; t += 4u) {\nlet x_block = mat4x4f(\nload_x((x_row + t) * arguments.heads + head, d),\nload_x((x_row + min(t + 1u, last)) * arguments.heads + head, d),\nload_x((x_row + min(t + 2u, last)) * arguments.heads + head, d),\nload_x((x_row + min(t + 3u, last)) * arguments.heads + head, d),\n);\nlet place = at + t * row;\nlet weight_block = mat4x4f(\nweights[place],\nweights[place + row],\nweights[place + 2u * row],\nweights[place + 3u * row],\n);\nsums += x_block * transpose(weight_block);\n}\n}\nfor (var i = 0u; i < min(4u, arguments.keys - key_block * 4u); i++) {\nstore_y((batch * arguments.keys + key_block * 4u + i) * arguments.groups + group % arguments.groups, d, sums[i]);\n}\n}\n";
const EXPONENTIALS = "//exponentials:5\nfn power_of_two(n: i32) -> f32 {\nreturn bitcast<f32>(u32(n + 127) << 23u);\n}\n\n\nfn exp_of(x: f32) -> f32 {\nlet inside = clamp(x, -104.0, 89.0);\nlet whole = round(inside * 0x1.715476p0f);\n\nvar r = fma(whole, -0x1.62e4p-1f, inside);\n\nr = select(r, x, is_nan(x));\nr = fma(whole, -0x1.7f7d1cp-20f, r);\nvar q = 0.0013813146;\nq = fma(q, r, 0.008369419);\nq = fma(q, r, 0.041668456);\nq = fma(q, r, 0.16666515);\nq = fma(q, r, 0.49999994);\nlet y = 1.0 + fma(r * r, q, r);\n\nlet n = i32(whole);\nlet half = n >> 1u;\nreturn (y * power_of_two(half)) * power_of_two(n - half);\n}\n\n\nfn log_of(x: f32) -> f32 {\nlet given = bitcast<u32>(x);\nif (given >= 0x80000000u && given != 0x80000000u) {\nreturn nan_from(given);\n}\nif (given >= NOT_FINITE) {\n\nreturn select(x, bitcast<f32>(given | 0x7f800000u), given == 0x80000000u);\n}\nif (given == 0u) {\nreturn bitcast<f32>(given | 0xff800000u);\n}\n\nlet subnormal = given < 0x00800000u;\nlet bits = select(given, bitcast<u32>(f32(given)), subnormal);\nlet above = bits - 0x3f3504f3u;\nlet e = f32(bitcast<i32>(above) >> 23u) - select(0.0, 149.0, subnormal);\nlet f = bitcast<f32>((above & 0x007fffffu) + 0x3f3504f3u) - 1.0;\nvar q = -0.07646086;\nq = fma(q, f, 0.12779097);\nq = fma(q, f, -0.13164185);\nq = fma(q, f, 0.14199698);\nq = fma(q, f, -0.16622765);\nq = fma(q, f, 0.20001292);\nq = fma(q, f, -0.25000837);\nq = fma(q, f, 0.3333333);\nlet square = f * f;\n\nlet small = fma(-0.5, square, fma(square * f, q, e * 0x1.7f7d1cp-20f));\nreturn fma(e, 0x1.62e4p-1f, f + small);\n}\n\nstruct Logistic {\ns: f32,\nrest: f32,\n}\n\n\nfn logistic(x: f32) -> Logistic {\nlet e = exp_of(-abs(x));\nlet large = 1.0 / (1.0 + e);\nlet small = e * large;\nif (is_negative(x)) {\nreturn Logistic(small, large);\n}\nreturn Logistic(large, small);\n}\n";
const ATTENTION_SCORE_BLOCKS = "//attention-score-blocks:7\nstruct Block {\n\npair: u32,\nbatch: u32,\nhead: u32,\ngroup: u32,\nt: u32,\nj: u32,\n}\n\nfn block_of(index: u32) -> Block {\nlet key_blocks = arguments.padded_keys / 4u;\nlet query_blocks = arguments.padded_queries / 4u;\nlet pair = index / (key_blocks * query_blocks);\nlet ratio = arguments.heads / arguments.groups;\nlet group = arguments.first_group + pair / ratio;\nreturn Block(\npair,\ngroup / arguments.groups,\ngroup % arguments.groups * ratio + pair % ratio,\ngroup % arguments.groups,\nindex / key_blocks % query_blocks * 4u,\nindex % key_blocks * 4u,\n);\n}\n\nfn query_row(block: Block, i: u32) -> u32 {\nlet t = min(block.t + i, arguments.queries - 1u);\nreturn (block.batch * arguments.queries + t) * arguments.heads + block.head;\n}\n\nfn key_row(block: Block, i: u32) -> u32 {\nlet j = min(block.j + i, arguments.keys - 1u);\nreturn (block.batch * arguments.keys + j) * arguments.groups + block.group;\n}\n\nfn weights_index(block: Block) -> u32 {\nreturn (block.pair * arguments.padded_queries + block.t) * (arguments.padded_keys / 4u) + block.j / 4u;\n}\n\n\nfn mask_of(seen: Seen, j: u32) -> vec4<bool> {\nlet keys = vec4i(i32(j)) + vec4i(0, 1, 2, 3);\nreturn (keys >= vec4i(seen.begin)) & (keys < vec4i(seen.end));\n}\n\nfn is_seen(seen: Seen, j: u32) -> bool {\nreturn i32(j) < seen.end && i32(j) + 4 > seen.begin;\n}\n\n\nfn write_scores(index: u32) {\nif (index >= arguments.blocks) {\nreturn;\n}\nlet block = block_of(index);\nlet seen0 = seen_of(block.batch, block.t);\nlet seen1 = seen_of(block.batch, block.t + 1u);\nlet seen2 = seen_of(block.batch, block.t + 2u);\nlet seen3 = seen_of(block.batch, block.t + 3u);\nif (!(is_seen(seen0, block.j) || is_seen(seen1, block.j) || is_seen(seen2, block.j) || is_seen(seen3, block.j))) {\nreturn;\n}\nlet q0 = query_row(block, 0u);\nlet q1 = query_row(block, 1u);\nlet q2 = query_row(block, 2u);\nlet q3 = query_row(block, 3u);\nlet k0 = key_row(block, 0u);\nlet k1 = key_row(block, 1u);\nlet k2 = key_row(block, 2u);\nlet k3 = key_row(block, 3u);\nvar scores = mat4x4f();\nfor (var d = 0u; d < arguments.width; d += 4u) {\nlet key_block = transpose(mat4x4f(load_k(k0, d), load_k(k1, d), load_k(k2, d), load_k(k3, d)));\nscores += key_block * mat4x4f(load_q(q0, d), load_q(q1, d), load_q(q2, d), load_q(q3, d));\n}\nlet at = weights_index(block);\nlet row = arguments.padded_keys / 4u;\nweights[at] = scores[0] * arguments.scale;\nweights[at + row] = scores[1] * arguments.scale;\nweights[at + 2u * row] = scores[2] * arguments.scale;\nweights[at + 3u * row] = scores[3] * arguments.scale;\n}\n\n\nfn write_gradients(at: u32, scores: vec4f, products: vec4f, seen: Seen, j: u32, row: u32) {\nlet mask = mask_of(seen, j);\nlet shifted = scores * arguments.scale - rows[arguments.rows_at + 4u * row];\nlet p = select(\nvec4f(),\nvec4f(exp_of(shifted.x), exp_of(shifted.y), exp_of(shifted.z), exp_of(shifted.w)),\nmask,\n);\nweights[at] = p;\nlet gradients = p * (products - rows[arguments.rows_at + 4u * row + 1u]) * arguments.scale;\nweights[arguments.gradients + at] = select(vec4f(), gradients, mask);\n}\n\n\nfn write_weights_and_gradients(index: u32) {\nif (index >= arguments.blocks) {\nreturn;\n}\nlet block = block_of(index);\nlet seen0 = seen_of(block.batch, block.t);\nlet seen1 = seen_of(block.batch, block.t + 1u);\nlet seen2 = seen_of(block.batch, block.t + 2u);\nlet seen3 = seen_of(block.batch, block.t + 3u);\nlet at = weights_index(block);\nlet row = arguments.padded_keys / 4u;\nif (!(is_seen(seen0, block.j) || is_seen(seen1, block.j) || is_seen(seen2, block.j) || is_seen(seen3, block.j))) {\nfor (var i = 0u; i < 4u; i++) {\nweights[at + i * row] = vec4f();\nweights[arguments.gradients + at + i * row] = vec4f();\n}\nreturn;\n}\nlet q0 = query_row(block, 0u);\nlet q1 = query_row(block, 1u);\nlet q2 = query_row(block, 2u);\nlet q3 = query_row(block, 3u);\nlet k0 = key_row(block, 0u);\nlet k1 = key_row(block, 1u);\nlet k2 = key_row(block, 2u);\nlet k3 = key_row(block, 3u);\nvar scores = mat4x4f();\nvar products = mat4x4f();\nfor (var d = 0u; d < arguments.width; d += 4u) {\nlet key_block = transpose(mat4x4f(load_k(k0, d), load_k(k1, d), load_k(k2, d), load_k(k3, d)));\nscores += key_block * mat4x4f(load_q(q0, d), load_q(q1, d), load_q(q2, d), load_q(q3, d));\nlet value_block = transpose(mat4x4f(load_v(k0, d), load_v(k1, d), load_v(k2, d), load_v(k3, d)));\nproducts += value_block * mat4x4f(load_dy(q0, d), load_dy(q1, d), load_dy(q2, d), load_dy(q3, d));\n}\n\nfor (var i = 0u; i < 4u; i++) {\nlet seen = seen_of(block.batch, block.t + i);\nwrite_gradients(at + i * row, scores[i], products[i], seen, block.j, query_row(block, i));\n}\n}\n";
const ATTENTION_LOAD_VEC4 = "//attention-load-vec4:3\nfn load_q(row: u32, d: u32) -> vec4f {\nreturn q[arguments.q_at + (row * arguments.width + d) / 4u];\n}\n\nfn load_k(row: u32, d: u32) -> vec4f {\nreturn k[arguments.k_at + (row * arguments.width + d) / 4u];\n}\n\nfn load_v(row: u32, d: u32) -> vec4f {\nreturn v[arguments.v_at + (row * arguments.width + d) / 4u];\n}\n";
const ATTENTION_TILE = "//attention-tile:4\nconst TILE_THREADS = 64u;\nconst TILE = 32u;\n\nconst PIECE = 8u;\nconst STRIDE = 9u;\n\nconst COLUMNS = 16u;\n\n\nvar<workgroup> staged: array<vec4f, 2u * TILE * STRIDE>;\n\nvar<workgroup> weights: array<vec4f, TILE * STRIDE>;\n\n\nfn slot_of(row: u32) -> u32 {\nreturn row % 4u * 8u + row / 4u;\n}\n\n\nfn staged_products(x: u32, y: u32) -> mat4x4f {\nvar products = mat4x4f();\nfor (var piece = 0u; piece < PIECE; piece++) {\nlet of_rows = mat4x4f(\nstaged[y * STRIDE + piece],\nstaged[(8u + y) * STRIDE + piece],\nstaged[(16u + y) * STRIDE + piece],\nstaged[(24u + y) * STRIDE + piece],\n);\nlet keys_at = (TILE + x) * STRIDE + piece;\nlet of_keys = mat4x4f(\nstaged[keys_at],\nstaged[keys_at + 8u * STRIDE],\nstaged[keys_at + 16u * STRIDE],\nstaged[keys_at + 24u * STRIDE],\n);\nproducts += transpose(of_keys) * of_rows;\n}\nreturn products;\n}\n\n\nstruct Pair {\nbatch: u32,\ngroup: u32,\nratio: u32,\n}\n\nfn pair_of(index: u32) -> Pair {\nreturn Pair(index / arguments.groups, index % arguments.groups, arguments.heads / arguments.groups);\n}\n\nfn rows_of_pair(pair: Pair) -> u32 {\nreturn arguments.queries * pair.ratio;\n}\n\n\nfn query_row(pair: Pair, row: u32) -> u32 {\nlet t = pair.batch * arguments.queries + row / pair.ratio;\nreturn t * arguments.heads + pair.group * pair.ratio + row % pair.ratio;\n}\n\nfn key_row(pair: Pair, key: u32) -> u32 {\nreturn (pair.batch * arguments.keys + key) * arguments.groups + pair.group;\n}\n\n\nfn mask_of(begin: i32, end: i32, key: u32) -> vec4<bool> {\nlet keys = vec4i(i32(key)) + vec4i(0, 1, 2, 3);\nreturn (keys >= vec4i(begin)) & (keys < vec4i(end));\n}\n\n\nfn scores_of(pair: Pair, row: u32, key: u32, lane: u32) -> mat4x4f {\nvar products = mat4x4f();\nfor (var d = 0u; d < arguments.width; d += 4u * PIECE) {\nworkgroupBarrier();\nfor (var i = lane; i < TILE * PIECE; i += TILE_THREADS) {\nlet own = i / PIECE;\nlet column = d + i % PIECE * 4u;\nvar of_row = vec4f();\nvar of_key = vec4f();\nif (column < arguments.width) {\nif (row + own < rows_of_pair(pair)) {\nof_row = load_q(query_row(pair, row + own), column);\n}\nif (key + own < arguments.keys) {\nof_key = load_k(key_row(pair, key + own), column);\n}\n}\nstaged[slot_of(own) * STRIDE + i % PIECE] = of_row;\nstaged[(TILE + slot_of(own)) * STRIDE + i % PIECE] = of_key;\n}\nworkgroupBarrier();\nproducts += staged_products(lane % 8u, lane / 8u);\n}\nreturn products * arguments.scale;\n}\n";
const ATTENTION_BACKWARD_TILES = "//attention-backward-tiles:8\nvar<workgroup> tile_rows: array<vec4f, TILE>;\nvar<workgroup> any_seen: u32;\n\n\nfn load_rows(pair: Pair, row: u32, key: u32, lane: u32) -> bool {\nworkgroupBarrier();\nif (lane < TILE) {\nvar values = vec4f();\nif (row + lane < rows_of_pair(pair)) {\nvalues = rows[query_row(pair, row + lane)];\n}\ntile_rows[lane] = values;\n}\nworkgroupBarrier();\nif (lane == 0u) {\nany_seen = 0u;\nfor (var i = 0u; i < TILE; i++) {\nlet begin = max(i32(tile_rows[i].z), i32(key));\nlet end = min(i32(tile_rows[i].w), i32(key + TILE));\nif (begin < end) {\nany_seen = 1u;\n}\n}\n}\nreturn workgroupUniformLoad(&any_seen) == 1u;\n}\n\n\nfn products_of(pair: Pair, row: u32, key: u32, lane: u32) -> mat4x4f {\nvar products = mat4x4f();\nfor (var d = 0u; d < arguments.width; d += 4u * PIECE) {\nworkgroupBarrier();\nfor (var i = lane; i < TILE * PIECE; i += TILE_THREADS) {\nlet own = i / PIECE;\nlet column = d + i % PIECE * 4u;\nvar of_row = vec4f();\nvar of_key = vec4f();\nif (column < arguments.width) {\nif (row + own < rows_of_pair(pair)) {\nof_row = load_dy(query_row(pair, row + own), column);\n}\nif (key + own < arguments.keys) {\nof_key = load_v(key_row(pair, key + own), column);\n}\n}\nstaged[slot_of(own) * STRIDE + i % PIECE] = of_row;\nstaged[(TILE + slot_of(own)) * STRIDE + i % PIECE] = of_key;\n}\nworkgroupBarrier();\nproducts += staged_products(lane % 8u, lane / 8u);\n}\nreturn products;\n}\n\nfn weights_of_row(scores: vec4f, row: vec4f, key: u32) -> vec4f {\nlet shifted = scores - row.x;\nlet mask = mask_of(i32(row.z), i32(row.w), key);\nreturn select(vec4f(), vec4f(exp_of(shifted.x), exp_of(shifted.y), exp_of(shifted.z), exp_of(shifted.w)), mask);\n}\n\n\nfn weights_of(scores: mat4x4f, own: u32, key: u32) -> mat4x4f {\nreturn mat4x4f(\nweights_of_row(scores[0], tile_rows[own], key),\nweights_of_row(scores[1], tile_rows[own + 1u], key),\nweights_of_row(scores[2], tile_rows[own + 2u], key),\nweights_of_row(scores[3], tile_rows[own + 3u], key),\n);\n}\n\nfn gradients_of_row(p: vec4f, products: vec4f, row: vec4f, key: u32) -> vec4f {\nlet mask = mask_of(i32(row.z), i32(row.w), key);\nreturn select(vec4f(), p * (products - row.y) * arguments.scale, mask);\n}\n\n\nfn gradients_of(p: mat4x4f, products: mat4x4f, own: u32, key: u32) -> mat4x4f {\nreturn mat4x4f(\ngradients_of_row(p[0], products[0], tile_rows[own], key),\ngradients_of_row(p[1], products[1], tile_rows[own + 1u], key),\ngradients_of_row(p[2], products[2], tile_rows[own + 2u], key),\ngradients_of_row(p[3], products[3], tile_rows[own + 3u], key),\n);\n}\n\nfn store_weights(values: mat4x4f, x: u32, own: u32) {\nweights[own * STRIDE + x] = values[0];\nweights[(own + 1u) * STRIDE + x] = values[1];\nweights[(own + 2u) * STRIDE + x] = values[2];\nweights[(own + 3u) * STRIDE + x] = values[3];\n}\n\n\nfn staged_columns(at: u32) -> mat4x4f {\nreturn mat4x4f(staged[at], staged[at + COLUMNS], staged[at + 2u * COLUMNS], staged[at + 3u * COLUMNS]);\n}\n\n\nfn weights_of_keys(four: u32, y: u32) -> mat4x4f {\nlet at = four * 4u * STRIDE + y;\nreturn transpose(mat4x4f(weights[at], weights[at + STRIDE], weights[at + 2u * STRIDE], weights[at + 3u * STRIDE]));\n}\n\n\nfn gradients_of_keys(index: u32, lane: u32) {\nif (index >= arguments.workgroups) {\nreturn;\n}\nlet x = lane % 8u;\nlet y = lane / 8u;\nlet own = y * 4u;\nlet column_tile = index % arguments.column_tiles;\nlet key = index / arguments.column_tiles % arguments.key_tiles * TILE;\nlet pair = pair_of(index / arguments.column_tiles / arguments.key_tiles);\nlet first_column = column_tile * COLUMNS * 4u;\n\nvar first_row = 0u;\nif (!has(HAS_POSITION)) {\nfirst_row = u32(max(0, i32(key) - i32(arguments.keys - arguments.queries))) * pair.ratio;\n}\nvar dk_left = mat4x4f();\nvar dk_right = mat4x4f();\nvar dv_left = mat4x4f();\nvar dv_right = mat4x4f();\nfor (var row = first_row; row < rows_of_pair(pair); row += TILE) {\nif (!load_rows(pair, row, key, lane)) {\ncontinue;\n}\nlet p = weights_of(scores_of(pair, row, key, lane), own, key + x * 4u);\nlet ds = gradients_of(p, products_of(pair, row, key, lane), own, key + x * 4u);\nworkgroupBarrier();\nstore_weights(p, x, own);\nfor (var i = lane; i < TILE * COLUMNS; i += TILE_THREADS) {\nlet column = first_column + i % COLUMNS * 4u;\nvar value = vec4f();\nif (row + i / COLUMNS < rows_of_pair(pair) && column < arguments.width) {\nvalue = load_dy(query_row(pair, row + i / COLUMNS), column);\n}\nstaged[i] = value;\n}\nworkgroupBarrier();\nfor (var four = 0u; four < TILE / 4u; four++) {\nlet of_keys = weights_of_keys(four, y);\ndv_left += staged_columns(four * 4u * COLUMNS + x) * of_keys;\ndv_right += staged_columns(four * 4u * COLUMNS + 8u + x) * of_keys;\n}\nworkgroupBarrier();\nstore_weights(ds, x, own);\nfor (var i = lane; i < TILE * COLUMNS; i += TILE_THREADS) {\nlet column = first_column + i % COLUMNS * 4u;\nvar value = vec4f();\nif (row + i / COLUMNS < rows_of_pair(pair) && column < arguments.width) {\nvalue = load_q(query_row(pair, row + i / COLUMNS), column);\n}\nstaged[i] = value;\n}\nworkgroupBarrier();\nfor (var four = 0u; four < TILE / 4u; four++) {\nlet of_keys = weights_of_keys(four, y);\ndk_left += staged_columns(four * 4u * COLUMNS + x) * of_keys;\ndk_right += staged_columns(four * 4u * COLUMNS + 8u + x) * of_keys;\n}\n}\nlet column = first_column + x * 4u;\nfor (var i = 0u; i < 4u && key + own + i < arguments.keys; i++) {\nlet to = key_row(pair, key + own + i);\nif (column < arguments.width) {\nstore_dx(to, column, dk_left[i]);\nstore_dv(to, column, dv_left[i]);\n}\nif (column + 32u < arguments.width) {\nstore_dx(to, column + 32u, dk_right[i]);\nstore_dv(to, column + 32u, dv_right[i]);\n}\n}\n}\n\n\nfn gradients_of_queries(index: u32, lane: u32) {\nif (index >= arguments.workgroups) {\nreturn;\n}\nlet x = lane % 8u;\nlet own = lane / 8u * 4u;\nlet column_tile = index % arguments.column_tiles;\nlet row = index / arguments.column_tiles % arguments.row_tiles * TILE;\nlet pair = pair_of(index / arguments.column_tiles / arguments.row_tiles);\nlet first_column = column_tile * COLUMNS * 4u;\nvar end = arguments.keys;\nif (!has(HAS_POSITION)) {\nend = min(end, arguments.keys - arguments.queries + (row + TILE - 1u) / pair.ratio + 1u);\n}\nvar left = mat4x4f();\nvar right = mat4x4f();\nfor (var key = 0u; key < end; key += TILE) {\nif (!load_rows(pair, row, key, lane)) {\ncontinue;\n}\nlet p = weights_of(scores_of(pair, row, key, lane), own, key + x * 4u);\nlet ds = gradients_of(p, products_of(pair, row, key, lane), own, key + x * 4u);\nworkgroupBarrier();\nstore_weights(ds, x, own);\nfor (var i = lane; i < TILE * COLUMNS; i += TILE_THREADS) {\nlet at = key + i / COLUMNS;\nlet column = first_column + i % COLUMNS * 4u;\nvar value = vec4f();\nif (at < arguments.keys && column < arguments.width) {\nvalue = load_k(key_row(pair, at), column);\n}\nstaged[i] = value;\n}\nworkgroupBarrier();\nfor (var four = 0u; four < TILE / 4u; four++) {\nlet of_rows = mat4x4f(\nweights[own * STRIDE + four],\nweights[(own + 1u) * STRIDE + four],\nweights[(own + 2u) * STRIDE + four],\nweights[(own + 3u) * STRIDE + four],\n);\nleft += staged_columns(four * 4u * COLUMNS + x) * of_rows;\nright += staged_columns(four * 4u * COLUMNS + 8u + x) * of_rows;\n}\n}\nlet column = first_column + x * 4u;\nfor (var i = 0u; i < 4u && row + own + i < rows_of_pair(pair); i++) {\nlet to = query_row(pair, row + own + i);\nif (column < arguments.width) {\nstore_dx(to, column, left[i]);\n}\nif (column + 32u < arguments.width) {\nstore_dx(to, column + 32u, right[i]);\n}\n}\n}\n";
const ATTENTION_LOAD = "//attention-load:3\nfn load_q(row: u32, d: u32) -> vec4f {\nlet at = arguments.q_at + row * arguments.width + d;\nif (d + 3u < arguments.width) {\nreturn vec4f(q[at], q[at + 1u], q[at + 2u], q[at + 3u]);\n}\nvar values = vec4f(q[at], 0.0, 0.0, 0.0);\nif (d + 1u < arguments.width) {\nvalues.y = q[at + 1u];\n}\nif (d + 2u < arguments.width) {\nvalues.z = q[at + 2u];\n}\nreturn values;\n}\n\nfn load_k(row: u32, d: u32) -> vec4f {\nlet at = arguments.k_at + row * arguments.width + d;\nif (d + 3u < arguments.width) {\nreturn vec4f(k[at], k[at + 1u], k[at + 2u], k[at + 3u]);\n}\nvar values = vec4f(k[at], 0.0, 0.0, 0.0);\nif (d + 1u < arguments.width) {\nvalues.y = k[at + 1u];\n}\nif (d + 2u < arguments.width) {\nvalues.z = k[at + 2u];\n}\nreturn values;\n}\n\nfn load_v(row: u32, d: u32) -> vec4f {\nlet at = arguments.v_at + row * arguments.width + d;\nif (d + 3u < arguments.width) {\nreturn vec4f(v[at], v[at + 1u], v[at + 2u], v[at + 3u]);\n}\nvar values = vec4f(v[at], 0.0, 0.0, 0.0);\nif (d + 1u < arguments.width) {\nvalues.y = v[at + 1u];\n}\nif (d + 2u < arguments.width) {\nvalues.z = v[at + 2u];\n}\nreturn values;\n}\n";
const ATTENTION_FORWARD_TILES = "//attention-forward-tiles:7\nvar<workgroup> begins: array<i32, TILE>;\nvar<workgroup> ends: array<i32, TILE>;\nvar<workgroup> seen_by_any: vec2i;\nvar<workgroup> largest_of: array<f32, TILE * 8u>;\n\n\nconst LOW = -3.0e38;\n\n\nfn see(pair: Pair, row: u32, lane: u32) -> vec2i {\nif (lane < TILE) {\nvar seen = Seen(0, 0);\nif (row + lane < rows_of_pair(pair)) {\nseen = seen_of(pair.batch, (row + lane) / pair.ratio);\n}\nbegins[lane] = seen.begin;\nends[lane] = seen.end;\n}\nworkgroupBarrier();\nif (lane == 0u) {\nvar all = vec2i(i32(arguments.keys), 0);\nfor (var i = 0u; i < TILE; i++) {\nif (begins[i] < ends[i]) {\nall = vec2i(min(all.x, begins[i]), max(all.y, ends[i]));\n}\n}\nseen_by_any = all;\n}\nreturn workgroupUniformLoad(&seen_by_any);\n}\n\nfn weights_of(scores: vec4f, largest: f32, mask: vec4<bool>) -> vec4f {\nlet shifted = scores - largest;\nreturn select(vec4f(), vec4f(exp_of(shifted.x), exp_of(shifted.y), exp_of(shifted.z), exp_of(shifted.w)), mask);\n}\n\nfn largest_in(scores: vec4f, mask: vec4<bool>) -> f32 {\nlet seen = select(vec4f(LOW), scores, mask);\nreturn max(max(seen.x, seen.y), max(seen.z, seen.w));\n}\n\nfn largest_of_row(row: u32) -> f32 {\nvar largest = largest_of[row * 8u];\nfor (var i = 1u; i < 8u; i++) {\nlargest = max(largest, largest_of[row * 8u + i]);\n}\nreturn largest;\n}\n\nfn attend(index: u32, lane: u32) {\nif (index >= arguments.workgroups) {\nreturn;\n}\nlet x = lane % 8u;\nlet own = lane / 8u * 4u;\nlet split = index % arguments.splits;\nlet column_tile = index / arguments.splits % arguments.column_tiles;\nlet row = index / arguments.splits / arguments.column_tiles % arguments.row_tiles * TILE;\nlet pair = pair_of(index / arguments.splits / arguments.column_tiles / arguments.row_tiles);\nlet seen = see(pair, row, lane);\nlet begin = max(u32(seen.x), split * arguments.keys_of_split);\nlet end = min(u32(seen.y), (split + 1u) * arguments.keys_of_split);\nlet own_begin = vec4i(begins[own], begins[own + 1u], begins[own + 2u], begins[own + 3u]);\nlet own_end = min(vec4i(ends[own], ends[own + 1u], ends[own + 2u], ends[own + 3u]), vec4i(i32(end)));\nlet first_column = column_tile * COLUMNS * 4u;\n\nvar left = mat4x4f();\nvar right = mat4x4f();\nvar largest = vec4f(LOW);\nvar sums = vec4f();\nfor (var key = begin; key < end; key += TILE) {\nlet scores = scores_of(pair, row, key, lane);\nlet mask0 = mask_of(own_begin.x, own_end.x, key + x * 4u);\nlet mask1 = mask_of(own_begin.y, own_end.y, key + x * 4u);\nlet mask2 = mask_of(own_begin.z, own_end.z, key + x * 4u);\nlet mask3 = mask_of(own_begin.w, own_end.w, key + x * 4u);\nlargest_of[own * 8u + x] = largest_in(scores[0], mask0);\nlargest_of[(own + 1u) * 8u + x] = largest_in(scores[1], mask1);\nlargest_of[(own + 2u) * 8u + x] = largest_in(scores[2], mask2);\nlargest_of[(own + 3u) * 8u + x] = largest_in(scores[3], mask3);\nworkgroupBarrier();\nlet next = max(\nlargest,\nvec4f(\nlargest_of_row(own),\nlargest_of_row(own + 1u),\nlargest_of_row(own + 2u),\nlargest_of_row(own + 3u),\n),\n);\nlet shrink = largest - next;\nlet factors = vec4f(exp_of(shrink.x), exp_of(shrink.y), exp_of(shrink.z), exp_of(shrink.w));\nlargest = next;\nweights[own * STRIDE + x] = weights_of(scores[0], next.x, mask0);\nweights[(own + 1u) * STRIDE + x] = weights_of(scores[1], next.y, mask1);\nweights[(own + 2u) * STRIDE + x] = weights_of(scores[2], next.z, mask2);\nweights[(own + 3u) * STRIDE + x] = weights_of(scores[3], next.w, mask3);\nfor (var i = lane; i < TILE * COLUMNS; i += TILE_THREADS) {\nlet at = key + i / COLUMNS;\nlet column = first_column + i % COLUMNS * 4u;\nvar value = vec4f();\nif (at < end && column < arguments.width) {\nvalue = load_v(key_row(pair, at), column);\n}\nstaged[i] = value;\n}\nworkgroupBarrier();\nsums *= factors;\nleft = mat4x4f(left[0] * factors.x, left[1] * factors.y, left[2] * factors.z, left[3] * factors.w);\nright = mat4x4f(right[0] * factors.x, right[1] * factors.y, right[2] * factors.z, right[3] * factors.w);\nfor (var four = 0u; four < TILE / 4u; four++) {\nlet p = mat4x4f(\nweights[own * STRIDE + four],\nweights[(own + 1u) * STRIDE + four],\nweights[(own + 2u) * STRIDE + four],\nweights[(own + 3u) * STRIDE + four],\n);\nsums += vec4f(1.0) * p;\nlet at = four * 4u * COLUMNS + x;\nleft += mat4x4f(staged[at], staged[at + COLUMNS], staged[at + 2u * COLUMNS], staged[at + 3u * COLUMNS]) * p;\nright += mat4x4f(\nstaged[at + 8u],\nstaged[at + COLUMNS + 8u],\nstaged[at + 2u * COLUMNS + 8u],\nstaged[at + 3u * COLUMNS + 8u],\n) * p;\n}\n}\n\nlet column = first_column + x * 4u;\nlet is_first = x == 0u && column_tile == 0u;\nfor (var i = 0u; i < 4u; i++) {\nif (row + own + i >= rows_of_pair(pair)) {\nbreak;\n}\nlet to = query_row(pair, row + own + i);\nif (arguments.splits > 1u) {\nstore_part(split, to, column, left[i], right[i]);\nif (is_first) {\nlet at = arguments.sums_begin + (split * part_rows() + to) * 2u;\nparts[at] = largest[i];\nparts[at + 1u] = sums[i];\n}\ncontinue;\n}\nlet sees = own_begin[i] < own_end[i];\nif (column < arguments.width) {\nstore_y(to, column, select(vec4f(), left[i] / sums[i], sees));\n}\nif (column + 32u < arguments.width) {\nstore_y(to, column + 32u, select(vec4f(), right[i] / sums[i], sees));\n}\nif (is_first) {\nlog_sum_exp[arguments.log_sum_exp_at + to] = select(0.0, largest[i], sees) + log_of(sums[i]);\n}\n}\n}\n\n\nfn part_rows() -> u32 {\nreturn arguments.workgroups / (arguments.splits * arguments.column_tiles * arguments.row_tiles)\n/ arguments.groups * arguments.queries * arguments.heads;\n}\n\nfn store_part(split: u32, row: u32, column: u32, left: vec4f, right: vec4f) {\nlet at = (split * part_rows() + row) * arguments.column_tiles * COLUMNS * 4u + column;\nfor (var i = 0u; i < 4u; i++) {\nparts[at + i] = left[i];\nparts[at + 32u + i] = right[i];\n}\n}\n";
const BINARY_FORMULAS = "//binary-formulas:6\nstruct Tame {\nvalue: f32,\nexponent: i32,\n}\n\nfn tamed(x: f32) -> Tame {\nlet magnitude = magnitude_of(x);\nif (magnitude < 0x00800000u && magnitude > 0u) {\n\nlet whole = f32(magnitude) * 0x1p-40f;\nreturn Tame(select(whole, -whole, is_negative(x)), -109);\n}\nif (magnitude >= 0x7d000000u && magnitude < NOT_FINITE) {\nreturn Tame(x * 0x1p-64f, 64);\n}\nreturn Tame(x, 0);\n}\n\n\nfn shifted(x: f32, exponent: i32) -> f32 {\nlet half = exponent / 2;\nreturn (x * bitcast<f32>(u32(half + 127) << 23u)) * bitcast<f32>(u32(exponent - half + 127) << 23u);\n}\n\nfn multiplied(a: f32, b: f32) -> f32 {\nif (min(magnitude_of(a), magnitude_of(b)) >= 0x00800000u) {\nreturn a * b;\n}\nlet p = tamed(a);\nlet q = tamed(b);\nreturn shifted(p.value * q.value, p.exponent + q.exponent);\n}\n\nfn divided(a: f32, b: f32) -> f32 {\nlet divisor = magnitude_of(b);\nif (divisor >= 0x01000000u && divisor < 0x7d000000u && magnitude_of(a) >= 0x00800000u) {\nreturn a / b;\n}\nlet p = tamed(a);\nlet q = tamed(b);\nreturn shifted(p.value / q.value, p.exponent - q.exponent);\n}\n\nfn binary(kind: u32, a: f32, b: f32) -> f32 {\nswitch (kind) {\ncase 0u: {\nreturn a + b;\n}\ncase 1u: {\nreturn a - b;\n}\ncase 2u: {\nreturn multiplied(a, b);\n}\ndefault: {\nreturn divided(a, b);\n}\n}\n}\n";
const ROWS = "//rows:5\noverride team: u32 = 256u;\n\nvar<workgroup> team_values: array<u32, team>;\nvar<workgroup> team_result: u32;\nvar<workgroup> team_pairs: array<vec2u, team>;\nvar<workgroup> team_pair: vec2u;\n\n\nstruct SumAndLargest {\nsum: f32,\nlargest: u32,\n}\n\nfn team_sum(value: f32, lane: u32) -> f32 {\nteam_values[lane] = bitcast<u32>(value);\nworkgroupBarrier();\nvar sum = 0.0;\nif (lane < 16u) {\nfor (var i = lane; i < team; i += 16u) {\nsum += bitcast<f32>(team_values[i]);\n}\nteam_values[lane] = bitcast<u32>(sum);\n}\nworkgroupBarrier();\nif (lane == 0u) {\nfor (var i = 1u; i < 16u; i++) {\nsum += bitcast<f32>(team_values[i]);\n}\nteam_result = bitcast<u32>(sum);\n}\nreturn bitcast<f32>(workgroupUniformLoad(&team_result));\n}\n\nfn team_count(value: u32, lane: u32) -> u32 {\nteam_values[lane] = value;\nworkgroupBarrier();\nvar sum = 0u;\nif (lane < 16u) {\nfor (var i = lane; i < team; i += 16u) {\nsum += team_values[i];\n}\nteam_values[lane] = sum;\n}\nworkgroupBarrier();\nif (lane == 0u) {\nfor (var i = 1u; i < 16u; i++) {\nsum += team_values[i];\n}\nteam_result = sum;\n}\nreturn workgroupUniformLoad(&team_result);\n}\n\nfn team_largest(value: u32, lane: u32) -> u32 {\nteam_values[lane] = value;\nworkgroupBarrier();\nvar largest = 0u;\nif (lane < 16u) {\nfor (var i = lane; i < team; i += 16u) {\nlargest = max(largest, team_values[i]);\n}\nteam_values[lane] = largest;\n}\nworkgroupBarrier();\nif (lane == 0u) {\nfor (var i = 1u; i < 16u; i++) {\nlargest = max(largest, team_values[i]);\n}\nteam_result = largest;\n}\nreturn workgroupUniformLoad(&team_result);\n}\n\nfn team_sum_and_largest(value: f32, other: u32, lane: u32) -> SumAndLargest {\nteam_pairs[lane] = vec2u(bitcast<u32>(value), other);\nworkgroupBarrier();\nvar sum = 0.0;\nvar largest = 0u;\nif (lane < 16u) {\nfor (var i = lane; i < team; i += 16u) {\nsum += bitcast<f32>(team_pairs[i].x);\nlargest = max(largest, team_pairs[i].y);\n}\nteam_pairs[lane] = vec2u(bitcast<u32>(sum), largest);\n}\nworkgroupBarrier();\nif (lane == 0u) {\nfor (var i = 1u; i < 16u; i++) {\nsum += bitcast<f32>(team_pairs[i].x);\nlargest = max(largest, team_pairs[i].y);\n}\nteam_pair = vec2u(bitcast<u32>(sum), largest);\n}\nlet both = workgroupUniformLoad(&team_pair);\nreturn SumAndLargest(bitcast<f32>(both.x), both.y);\n}\n";
const ACTIVATIONS = "//activations:5\nfn relu(x: f32) -> f32 {\nreturn select(x, 0.0, is_negative(x) && !is_nan(x));\n}\n\n\nfn gelu_argument(x: f32) -> f32 {\nreturn x * fma(x * x, 1.5957691216057308 * 0.044715, 1.5957691216057308);\n}\n\n\nfn gated_by(x: f32, a: f32) -> f32 {\nlet e = exp_of(-abs(a));\nreturn select(x, x * e, is_negative(a)) / (1.0 + e);\n}\n\nfn silu_slope(x: f32) -> f32 {\nlet l = logistic(x);\nreturn l.s * fma(x, l.rest, 1.0);\n}\n\nfn gelu_slope(x: f32) -> f32 {\nlet l = logistic(gelu_argument(x));\n\nlet c = select(clamp(x, -64.0, 64.0), x, !is_finite(x));\nreturn l.s + l.s * l.rest * (c * fma(c * c, 3.0 * 1.5957691216057308 * 0.044715, 1.5957691216057308));\n}\n\n\nconst SQUARED_RELU = 1u;\nconst SILU = 2u;\nconst GELU = 3u;\n\nfn activation(kind: u32, x: f32) -> f32 {\nswitch (kind) {\ncase SQUARED_RELU: {\nreturn relu(x) * relu(x);\n}\ncase SILU: {\nreturn gated_by(x, x);\n}\ndefault: {\nreturn gated_by(x, gelu_argument(x));\n}\n}\n}\n\nfn activation_slope(kind: u32, x: f32) -> f32 {\nswitch (kind) {\ncase SQUARED_RELU: {\nreturn 2.0 * relu(x);\n}\ncase SILU: {\nreturn silu_slope(x);\n}\ndefault: {\nreturn gelu_slope(x);\n}\n}\n}\n";
const MATMUL_MATRICES = "//matmul-matrices:3\nstruct Arguments {\nm: u32,\nn: u32,\nk: u32,\na_row: u32,\nb_row: u32,\na_at: u32,\nb_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> a: array<f32>;\n@group(0) @binding(2) var<storage, read> b: array<f32>;\n@group(0) @binding(3) var<storage, read_write> y: array<f32>;\n\noverride transpose_a: bool = false;\noverride transpose_b: bool = false;\n\noverride accumulate: bool = false;\n\noverride threads: u32 = 128;\n\nconst TILE = 128u;\nconst STEP = 32u;\nconst PART = 64u;\nvar<workgroup> tile_a: array<f16, 4096>;\nvar<workgroup> tile_b: array<f16, 4096>;\n\n\nfn make_tile(number: u32, lane: u32, subgroup: u32) {\nlet across = arguments.n / TILE;\nif (number >= across * (arguments.m / TILE)) {\nreturn;\n}\nlet first_row = (number / across) * TILE;\nlet first_column = (number % across) * TILE;\nlet row = (subgroup / 2u) * PART;\nlet column = (subgroup % 2u) * PART;\nlet y_first = arguments.y_at + (first_row + row) * arguments.n + first_column + column;\nvar sums: array<array<Sum, SIDE>, SIDE>;\nif (accumulate) {\nfor (var i = 0u; i < SIDE; i++) {\nfor (var j = 0u; j < SIDE; j++) {\nlet at = y_first + i * MATRIX * arguments.n + j * MATRIX;\nsums[i][j] = subgroupMatrixLoad<Sum, row_major>(&y, at, arguments.n);\n}\n}\n}\nfor (var first = 0u; first < arguments.k; first += STEP) {\nfor (var i = lane; i < TILE * STEP; i += threads) {\n\nlet a_row = select(i / STEP, i % TILE, transpose_a);\nlet a_column = select(i % STEP, i / TILE, transpose_a);\nlet a_from = select(\n(first_row + a_row) * arguments.a_row + first + a_column,\n(first + a_column) * arguments.a_row + first_row + a_row,\ntranspose_a,\n);\nlet b_row = select(i / TILE, i % STEP, transpose_b);\nlet b_column = select(i % TILE, i / STEP, transpose_b);\nlet b_from = select(\n(first + b_row) * arguments.b_row + first_column + b_column,\n(first_column + b_column) * arguments.b_row + first + b_row,\ntranspose_b,\n);\nvar from_a = 0.0;\nif (first + a_column < arguments.k) {\nfrom_a = a[arguments.a_at + a_from];\n}\nvar from_b = 0.0;\nif (first + b_row < arguments.k) {\nfrom_b = b[arguments.b_at + b_from];\n}\ntile_a[a_row * STEP + a_column] = f16(from_a);\ntile_b[b_row * TILE + b_column] = f16(from_b);\n}\nworkgroupBarrier();\nfor (var step = 0u; step < STEP; step += MATRIX) {\nvar rights: array<Right, SIDE>;\nfor (var j = 0u; j < SIDE; j++) {\nrights[j] = subgroupMatrixLoad<Right, row_major>(&tile_b, step * TILE + column + j * MATRIX, TILE);\n}\nfor (var i = 0u; i < SIDE; i++) {\nlet left = subgroupMatrixLoad<Left, row_major>(&tile_a, (row + i * MATRIX) * STEP + step, STEP);\nfor (var j = 0u; j < SIDE; j++) {\nsums[i][j] = subgroupMatrixMultiplyAccumulate(left, rights[j], sums[i][j]);\n}\n}\n}\nworkgroupBarrier();\n}\nfor (var i = 0u; i < SIDE; i++) {\nfor (var j = 0u; j < SIDE; j++) {\nsubgroupMatrixStore<row_major>(&y, y_first + i * MATRIX * arguments.n + j * MATRIX, sums[i][j], arguments.n);\n}\n}\n}\n";
const MATMUL_MATRICES_8 = "//:13\n@compute @workgroup_size(threads)\nfn matmul_matrices(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n@builtin(subgroup_id) subgroup: u32,\n) {\nmake_tile(group.x + group.y * groups.x, lane, subgroup);\n}\n";
const MATMUL_PLACE = "//matmul-place:2\nstruct Place {\nmatrix: u32,\nsplit: u32,\ntile_m: u32,\ntile_n: u32,\n}\n\nconst BAND: u32 = 8u;\n\n\nfn place_of(index: u32) -> Place {\nlet tiles = arguments.tiles_m * arguments.tiles_n;\nlet tile = index % tiles;\nlet rest = index / tiles;\nlet band = tile / (BAND * arguments.tiles_n);\nlet rows = min(BAND, arguments.tiles_m - band * BAND);\nlet inside = tile - band * BAND * arguments.tiles_n;\nreturn Place(rest / arguments.splits, rest % arguments.splits, band * BAND + inside % rows, inside / rows);\n}\n\n\nfn target_of(place: Place) -> u32 {\nreturn place.split * (arguments.workgroups / (arguments.tiles_m * arguments.tiles_n * arguments.splits)) + place.matrix;\n}\n";
const MATMUL_PRODUCTS = "//matmul-products:4\noverride transpose_a: bool = false;\noverride transpose_b: bool = false;\n\noverride begin_with: u32 = 0u;\noverride tile_m: u32 = 128u;\noverride tile_n: u32 = 128u;\noverride tile_k: u32 = 16u;\noverride threads: u32 = 256u;\n\noverride across: u32 = 8u;\n\n\nvar<workgroup> a_tile: array<vec4f, tile_k * tile_m / 4u>;\nvar<workgroup> b_tile: array<vec4f, tile_k * tile_n / 4u>;\n\n\nfn load_block(block: u32, place: Place, k: u32) -> mat4x4f {\nlet k_blocks = tile_k / 4u;\nlet a_blocks = tile_m / 4u * k_blocks;\nif (block < a_blocks) {\nlet across_k = select(block % k_blocks, block / (tile_m / 4u), transpose_a);\nlet across_m = select(block / k_blocks, block % (tile_m / 4u), transpose_a);\nreturn transpose(load_a(place.matrix, place.tile_m * tile_m + across_m * 4u, k + across_k * 4u));\n}\nlet of_b = block - a_blocks;\nlet across_k = select(of_b / (tile_n / 4u), of_b % k_blocks, transpose_b);\nlet across_n = select(of_b % (tile_n / 4u), of_b / k_blocks, transpose_b);\nreturn load_b(place.matrix, k + across_k * 4u, place.tile_n * tile_n + across_n * 4u);\n}\n\nfn store_block(block: u32, values: mat4x4f) {\nlet k_blocks = tile_k / 4u;\nlet a_blocks = tile_m / 4u * k_blocks;\nif (block < a_blocks) {\nlet across_k = select(block % k_blocks, block / (tile_m / 4u), transpose_a);\nlet across_m = select(block / k_blocks, block % (tile_m / 4u), transpose_a);\nlet at = across_k * tile_m + across_m;\na_tile[at] = values[0];\na_tile[at + tile_m / 4u] = values[1];\na_tile[at + tile_m / 2u] = values[2];\na_tile[at + tile_m / 4u * 3u] = values[3];\n} else {\nlet of_b = block - a_blocks;\nlet across_k = select(of_b / (tile_n / 4u), of_b % k_blocks, transpose_b);\nlet across_n = select(of_b % (tile_n / 4u), of_b / k_blocks, transpose_b);\nlet at = across_k * tile_n + across_n;\nb_tile[at] = values[0];\nb_tile[at + tile_n / 4u] = values[1];\nb_tile[at + tile_n / 2u] = values[2];\nb_tile[at + tile_n / 4u * 3u] = values[3];\n}\n}\n\n\n\n\n\nfn tiled_product(index: u32, lane: u32) {\nif (index >= arguments.workgroups) {\nreturn;\n}\nlet place = place_of(index);\nlet blocks = (tile_m + tile_n) / 4u * (tile_k / 4u);\nlet x = lane % (tile_n / 8u);\nlet y = lane / (tile_n / 8u);\nlet k_begin = place.split * arguments.k_of_split;\nlet k_end = min(arguments.k, k_begin + arguments.k_of_split);\nvar sums: array<vec4f, 16>;\nvar first = mat4x4f();\nvar second = mat4x4f();\nif (lane < blocks) {\nfirst = load_block(lane, place, k_begin);\n}\nif (lane + threads < blocks) {\nsecond = load_block(lane + threads, place, k_begin);\n}\nfor (var k = k_begin; k < k_end; k += tile_k) {\nworkgroupBarrier();\nif (lane < blocks) {\nstore_block(lane, first);\n}\nif (lane + threads < blocks) {\nstore_block(lane + threads, second);\n}\nworkgroupBarrier();\nif (k + tile_k < k_end) {\nif (lane < blocks) {\nfirst = load_block(lane, place, k + tile_k);\n}\nif (lane + threads < blocks) {\nsecond = load_block(lane + threads, place, k + tile_k);\n}\n}\nfor (var step = 0u; step < tile_k; step++) {\nlet upper = a_tile[step * (tile_m / 4u) + y];\nlet lower = a_tile[step * (tile_m / 4u) + tile_m / 8u + y];\nlet left = b_tile[step * (tile_n / 4u) + x];\nlet right = b_tile[step * (tile_n / 4u) + tile_n / 8u + x];\nsums[0] += upper.x * left;\nsums[1] += upper.x * right;\nsums[2] += upper.y * left;\nsums[3] += upper.y * right;\nsums[4] += upper.z * left;\nsums[5] += upper.z * right;\nsums[6] += upper.w * left;\nsums[7] += upper.w * right;\nsums[8] += lower.x * left;\nsums[9] += lower.x * right;\nsums[10] += lower.y * left;\nsums[11] += lower.y * right;\nsums[12] += lower.z * left;\nsums[13] += lower.z * right;\nsums[14] += lower.w * left;\nsums[15] += lower.w * right;\n}\n}\nlet row = place.tile_m * tile_m + y * 4u;\nlet column = place.tile_n * tile_n + x * 4u;\nlet target_matrix = target_of(place);\nstore_rows(target_matrix, row, column, sums[0], sums[2], sums[4], sums[6]);\nstore_rows(target_matrix, row, column + tile_n / 2u, sums[1], sums[3], sums[5], sums[7]);\nstore_rows(target_matrix, row + tile_m / 2u, column, sums[8], sums[10], sums[12], sums[14]);\nstore_rows(target_matrix, row + tile_m / 2u, column + tile_n / 2u, sums[9], sums[11], sums[13], sums[15]);\n}\n\nfn store_rows(matrix: u32, row: u32, column: u32, first: vec4f, second: vec4f, third: vec4f, fourth: vec4f) {\nstore_y(matrix, row, column, first);\nstore_y(matrix, row + 1u, column, second);\nstore_y(matrix, row + 2u, column, third);\nstore_y(matrix, row + 3u, column, fourth);\n}\n\n\nfn direct_product(index: u32, lane: u32) {\nif (index >= arguments.workgroups) {\nreturn;\n}\nlet place = place_of(index);\nlet row = (place.tile_m * (64u / across) + lane / across) * 4u;\nlet column = (place.tile_n * across + lane % across) * 4u;\nif (row >= arguments.m || column >= arguments.n) {\nreturn;\n}\nlet k_begin = place.split * arguments.k_of_split;\nlet k_end = min(arguments.k, k_begin + arguments.k_of_split);\nvar sums = mat4x4f();\nfor (var k = k_begin; k < k_end; k += 4u) {\nlet a_block = load_a(place.matrix, row, k);\nlet b_block = load_b(place.matrix, k, column);\nsums += b_block * a_block;\n}\nstore_rows(target_of(place), row, column, sums[0], sums[1], sums[2], sums[3]);\n}\n\nconst FEW_THREADS: u32 = 256u;\nvar<workgroup> few_sums: array<vec4f, FEW_THREADS>;\n\noverride rows: u32 = 1u;\n\n\n\n\n\nfn few_product(index: u32, lane: u32) {\nif (index >= arguments.workgroups) {\nreturn;\n}\nlet place = place_of(index);\nlet column_blocks = select(32u, 8u, transpose_b);\nlet along_k = FEW_THREADS / column_blocks;\nlet column_block = select(lane % 32u, lane / 32u, transpose_b);\nlet k_lane = select(lane / 32u, lane % 32u, transpose_b);\nlet column = (place.tile_n * column_blocks + column_block) * 4u;\nlet k_begin = place.split * arguments.k_of_split;\nlet k_end = min(arguments.k, k_begin + arguments.k_of_split);\nvar upper = mat4x4f();\nvar lower = mat4x4f();\nfor (var k = k_begin + k_lane * 4u; k < k_end; k += along_k * 4u) {\nlet b_block = load_b(place.matrix, k, column);\nupper += b_block * load_a(place.matrix, 0u, k);\nif (rows > 4u) {\nlower += b_block * load_a(place.matrix, 4u, k);\n}\n}\nfor (var row = 0u; row < rows; row++) {\nworkgroupBarrier();\nif (row < 4u) {\nfew_sums[k_lane * column_blocks + column_block] = upper[row % 4u];\n} else {\nfew_sums[k_lane * column_blocks + column_block] = lower[row % 4u];\n}\nworkgroupBarrier();\nif (k_lane == 0u) {\nvar sum = few_sums[column_block];\nfor (var i = 1u; i < along_k; i++) {\nsum += few_sums[i * column_blocks + column_block];\n}\nstore_y(target_of(place), row, column, sum);\n}\n}\n}\n";
const NORM_BACKWARD_ROW = "//norm-backward-row:4\nstruct Arguments {\nrows: u32,\nwidth: u32,\nchunk: u32,\ndy_at: u32,\nx_at: u32,\nweight_at: u32,\ninverse_rms_at: u32,\ndx_at: u32,\npartial_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> dy: array<vec4f>;\n@group(0) @binding(2) var<storage, read> x: array<vec4f>;\n@group(0) @binding(3) var<storage, read> weight: array<vec4f>;\n@group(0) @binding(4) var<storage, read> inverse_rms: array<f32>;\n@group(0) @binding(5) var<storage, read_write> dx: array<vec4f>;\n@group(0) @binding(6) var<storage, read_write> partial: array<vec4f>;\n\n\noverride gated: u32 = 0u;\noverride with_weight: bool = false;\n\noverride add: bool = false;\n\nconst MOST_VECTORS = 8u;\noverride vectors: u32 = 4u;\n\nfn activated(gate: vec4f) -> vec4f {\nreturn vec4f(\nactivation(gated, gate.x),\nactivation(gated, gate.y),\nactivation(gated, gate.z),\nactivation(gated, gate.w),\n);\n}\n\nfn slopes(gate: vec4f) -> vec4f {\nreturn vec4f(\nactivation_slope(gated, gate.x),\nactivation_slope(gated, gate.y),\nactivation_slope(gated, gate.z),\nactivation_slope(gated, gate.w),\n);\n}\n\nfn normed(row: u32, i: u32) -> vec4f {\nlet length = arguments.width / 4u;\nif (gated == 0u) {\nreturn x[arguments.x_at + row * length + i];\n}\nlet at = arguments.x_at + 2u * row * length + i;\nreturn activated(x[at]) * x[at + length];\n}\n\nfn write_gradient(row: u32, i: u32, dh: vec4f) {\nlet length = arguments.width / 4u;\nif (gated == 0u) {\nlet at = arguments.dx_at + row * length + i;\nif (add) {\ndx[at] += dh;\n} else {\ndx[at] = dh;\n}\nreturn;\n}\nlet from_at = arguments.x_at + 2u * row * length + i;\nlet at = arguments.dx_at + 2u * row * length + i;\ndx[at] = slopes(x[from_at]) * (dh * x[from_at + length]);\ndx[at + length] = activated(x[from_at]) * dh;\n}\n\nfn norm_backward_rows(number: u32, lane: u32) {\nlet length = arguments.width / 4u;\nlet begin = number * arguments.chunk;\nlet end = min(begin + arguments.chunk, arguments.rows);\nvar sums: array<vec4f, MOST_VECTORS>;\nfor (var v = 0u; v < vectors; v++) {\nsums[v] = vec4f();\n}\nfor (var row = begin; row < end; row++) {\nvar h: array<vec4f, MOST_VECTORS>;\nvar d: array<vec4f, MOST_VECTORS>;\nlet inverse = inverse_rms[arguments.inverse_rms_at + row];\nvar own = 0.0;\nfor (var v = 0u; v < vectors; v++) {\nlet i = v * team + lane;\nh[v] = vec4f();\nd[v] = vec4f();\nif (i < length) {\nh[v] = normed(row, i);\nd[v] = dy[arguments.dy_at + row * length + i];\nsums[v] += d[v] * (h[v] * inverse);\nif (with_weight) {\nd[v] *= weight[arguments.weight_at + i];\n}\nown += dot(d[v], h[v]);\n}\n}\nlet bend = inverse * (team_sum(own, lane) * inverse / f32(arguments.width));\nfor (var v = 0u; v < vectors; v++) {\nlet i = v * team + lane;\nif (i < length) {\nwrite_gradient(row, i, inverse * fma(-h[v], vec4f(bend), d[v]));\n}\n}\n}\nif (with_weight) {\nfor (var v = 0u; v < vectors; v++) {\nlet i = v * team + lane;\nif (i < length) {\npartial[arguments.partial_at + number * length + i] = sums[v];\n}\n}\n}\n}\n";
const BF16 = "//bf16:5\nfn half_of(word: u32, index: u32) -> u32 {\nreturn (word >> ((index & 1u) * 16u)) & 0xffffu;\n}\n\n\nfn byte_of(word: u32, index: u32) -> i32 {\nreturn i32(word << (24u - (index & 3u) * 8u)) >> 24u;\n}\n\n\nfn from_bf16(half: u32) -> f32 {\nreturn bitcast<f32>(half << 16u);\n}\n\n\nfn unpack_bf16(word: u32) -> vec2f {\nreturn vec2f(bitcast<f32>(word << 16u), bitcast<f32>(word & 0xffff0000u));\n}\n\n\nfn to_bf16(bits: u32) -> u32 {\nlet nearest = (bits + 0x7fffu + ((bits >> 16u) & 1u)) >> 16u;\nreturn select(nearest & 0xffffu, (bits >> 16u) | 0x40u, (bits & 0x7fffffffu) > 0x7f800000u);\n}\n\nfn pack_bf16(low: f32, high: f32) -> u32 {\nreturn to_bf16(bitcast<u32>(low)) | (to_bf16(bitcast<u32>(high)) << 16u);\n}\n";
const PARTS = "//parts:5\noverride per_word: u32 = 4u;\n\n\nfn part_of(word: u32, at: u32) -> u32 {\nlet bits = 32u / per_word;\nreturn (word >> ((at % per_word) * bits)) & ((1u << bits) - 1u);\n}\n\n\nfn part_mask(place: u32) -> u32 {\nlet bits = 32u / per_word;\nreturn ((1u << bits) - 1u) << (place * bits);\n}\n";
const PERMUTE_SOURCE = "//permute-source:4\nfn source_of(i: u32) -> u32 {\nlet i3 = i / arguments.size4;\nlet i2 = i3 / arguments.size3;\nlet i1 = i2 / arguments.size2;\nlet i0 = i1 / arguments.size1;\nreturn i0 * arguments.stride0 + (i1 - i0 * arguments.size1) * arguments.stride1 +\n(i2 - i1 * arguments.size2) * arguments.stride2 + (i3 - i2 * arguments.size3) * arguments.stride3 +\n(i - i3 * arguments.size4) * arguments.stride4;\n}\n";
const TURN = "//turn:5\nfn table_row(position: i32, t: u32, length: u32) -> i32 {\nlet token = i32(t);\nif (position < -token || position >= i32(length) - token) {\nreturn -1;\n}\nreturn position + token;\n}\n\n\nfn turned(pair: vec2f, row: i32, half: u32, i: u32, sign: f32) -> vec2f {\nif (row < 0) {\nreturn vec2f(nan_from(half));\n}\nlet angle = table_pair(u32(row) * half + i);\nlet sine = angle.y * sign;\nreturn vec2f(pair.x * angle.x - pair.y * sine, pair.x * sine + pair.y * angle.x);\n}\n";
const PHILOX = "//philox:4\nfn multiply_high(a: u32, b: u32) -> u32 {\nlet a0 = a & 0xffffu;\nlet a1 = a >> 16u;\nlet b0 = b & 0xffffu;\nlet b1 = b >> 16u;\nlet middle = a1 * b0 + ((a0 * b0) >> 16u);\nlet cross = a0 * b1 + (middle & 0xffffu);\nreturn a1 * b1 + (middle >> 16u) + (cross >> 16u);\n}\n\n\nfn philox(state: vec4u, offset: u32) -> vec4u {\nvar counter = vec4u(state.w + offset, 0u, state.z, 0u);\nvar key = state.xy;\nfor (var round = 0u; round < 10u; round++) {\nlet high0 = multiply_high(0xd2511f53u, counter.x);\nlet high1 = multiply_high(0xcd9e8d57u, counter.z);\ncounter = vec4u(\nhigh1 ^ counter.y ^ key.x,\n0xcd9e8d57u * counter.z,\nhigh0 ^ counter.w ^ key.y,\n0xd2511f53u * counter.x,\n);\nkey += vec2u(0x9e3779b9u, 0xbb67ae85u);\n}\nreturn counter;\n}\n\n\nfn uniform_of(word: u32) -> f32 {\nreturn f32(word >> 8u) * 0x1p-24f;\n}\n";
const PRODUCT_PLACE = "//product-place:6\noverride lanes: u32 = 32u;\noverride slots: u32 = 8u;\n\noverride staged: bool = true;\n\noverride finish: bool = false;\noverride with_scales: bool = false;\noverride with_add: bool = false;\n\n\nconst NO_CHANNEL = 0xffffffffu;\n\n\nstruct Place {\nlist: u32,\n\npart: u32,\n\nunit: u32,\n\nbegin: u32,\nend: u32,\n}\n\n\nfn place_of(index: u32, together: u32) -> Place {\nlet tile = index % arguments.tiles;\nlet split = index / arguments.tiles % arguments.splits;\nlet list = index / (arguments.tiles * arguments.splits);\nlet found = min(count[arguments.count_at + list], arguments.keep);\nlet step = arguments.splits * slots * together;\nlet own = (found + step - 1u) / step * slots * together;\nlet begin = min(split * own, found);\nreturn Place(\nlist,\narguments.first_part + split,\ntile * lanes,\nbegin,\nmin(begin + own, found),\n);\n}\n";
const SPARSE_GEMV_SUMS = "//sparse-gemv-sums:6\noverride bits: u32 = 16u;\n\noverride parts: u32 = 2u;\n\n\nstruct Sums {\na: vec4f,\nb: vec4f,\nc: vec4f,\nd: vec4f,\n}\n\n\nvar<workgroup> entries: array<vec2u, lanes * slots>;\nvar<workgroup> halves: array<vec4f, max(1u, lanes * slots / 2u * parts)>;\n\nfn entry_of(place: Place, j: u32) -> vec2u {\nif (j >= place.end) {\nreturn vec2u(NO_CHANNEL, 0u);\n}\nlet at = place.list * arguments.keep + j;\nlet channel = indices[arguments.indices_at + at];\nif (channel >= arguments.inputs) {\n\nreturn vec2u(NO_CHANNEL, channel | 0x7fc00000u);\n}\nlet own = channel - arguments.first;\nreturn vec2u(select(NO_CHANNEL, own, own < arguments.channels), values[arguments.values_at + at]);\n}\n\n\nfn add_four(sums: ptr<function, Sums>, first: vec2u, second: vec2u, third: vec2u, fourth: vec2u, unit: u32) {\nlet w0 = weights_at(select(first.x, 0u, first.x == NO_CHANNEL), unit);\nlet w1 = weights_at(select(second.x, 0u, second.x == NO_CHANNEL), unit);\nlet w2 = weights_at(select(third.x, 0u, third.x == NO_CHANNEL), unit);\nlet w3 = weights_at(select(fourth.x, 0u, fourth.x == NO_CHANNEL), unit);\nadd_products(sums, first, w0);\nadd_products(sums, second, w1);\nadd_products(sums, third, w2);\nadd_products(sums, fourth, w3);\n}\n\nfn product(index: u32, lane: u32) {\nif (index >= arguments.workgroups) {\nreturn;\n}\nlet place = place_of(index, 4u);\nlet own_unit = place.unit + lane % lanes;\nlet slot = lane / lanes;\n\nlet unit = min(own_unit, arguments.units - 1u);\nvar sums = Sums();\nif (staged) {\nlet chunk = lanes * slots;\nfor (var start = place.begin; start < place.end; start += chunk) {\nworkgroupBarrier();\nentries[lane] = entry_of(place, start + lane);\nworkgroupBarrier();\nlet end = min(chunk, place.end - start);\nfor (var j = slot * 4u; j < end; j += slots * 4u) {\nadd_four(&sums, entries[j], entries[j + 1u], entries[j + 2u], entries[j + 3u], unit);\n}\n}\nfor (var half = slots / 2u; half > 0u; half /= 2u) {\nlet stride = lanes * slots / 2u;\nlet at = lane % (half * lanes);\nworkgroupBarrier();\nif (slot >= half && slot < 2u * half) {\nhalves[at] = sums.a;\nif (parts > 1u) {\nhalves[stride * 1u % (stride * parts) + at] = sums.b;\n}\nif (parts > 2u) {\nhalves[stride * 2u % (stride * parts) + at] = sums.c;\nhalves[stride * 3u % (stride * parts) + at] = sums.d;\n}\n}\nworkgroupBarrier();\nif (slot < half) {\nsums.a += halves[at];\nif (parts > 1u) {\nsums.b += halves[stride * 1u % (stride * parts) + at];\n}\nif (parts > 2u) {\nsums.c += halves[stride * 2u % (stride * parts) + at];\nsums.d += halves[stride * 3u % (stride * parts) + at];\n}\n}\n}\n} else {\nfor (var j = place.begin; j < place.end; j += 4u) {\nlet first = entry_of(place, j);\nlet second = entry_of(place, j + 1u);\nlet third = entry_of(place, j + 2u);\nadd_four(&sums, first, second, third, entry_of(place, j + 3u), unit);\n}\n}\nif (slot == 0u && own_unit < arguments.units) {\nwrite_unit(place, own_unit, sums);\n}\n}\n";
const CUT_SEARCH = "//cut-search:6\nstruct Search {\n\nlow: u32,\nlow_count: u32,\nhigh: u32,\nhigh_count: u32,\n\npivot: u32,\nlast: f32,\nlast_count: u32,\npass_number: u32,\nties: u32,\nopen: bool,\n}\n\n\nfn search_begin(width: u32, keep: u32, largest: u32, mean: f32) -> Search {\nlet pivot = clamp(bitcast<u32>(0.9 * mean), 1u, max(largest, 1u));\nreturn Search(0u, width, largest + 1u, 0u, pivot, 0.0, width, 0u, keep, largest > 0u);\n}\n\n\nfn search_step(before: Search, count: u32, keep: u32) -> Search {\nvar s = before;\nlet at = s.pivot;\nif (count == keep) {\ns.high = at;\ns.ties = 0u;\ns.open = false;\nreturn s;\n}\nif (count > keep) {\ns.low = at;\ns.low_count = count;\n} else {\ns.high = at;\ns.high_count = count;\n}\nif (s.high - s.low == 1u) {\ns.ties = keep - s.high_count;\ns.open = false;\nreturn s;\n}\nlet pivot = bitcast<f32>(at);\nlet slope = (pivot - s.last) / (f32(s.last_count) - f32(count));\nlet next = pivot + (f32(count) - f32(keep)) * slope;\nlet low = bitcast<f32>(s.low);\nlet high = bitcast<f32>(s.high);\nlet inside = s.low_count - s.high_count;\ns.last = pivot;\ns.last_count = count;\ns.pass_number += 1u;\nvar wanted = bitcast<u32>(next);\nif ((inside <= 16u && s.low > 0u) || !(next > low && next < high)) {\n\nwanted = bitcast<u32>(low + (high - low) * ((f32(s.low_count - keep) + 0.5) / f32(inside + 1u)));\n}\nif (s.pass_number >= 8u && s.pass_number % 2u == 0u) {\nwanted = s.low + (s.high - s.low) / 2u;\n} else if (s.pass_number == 3u && s.low == 0u) {\n\nwanted = 1u;\n}\ns.pivot = clamp(wanted, s.low + 1u, s.high - 1u);\nreturn s;\n}\n";
const SPARSIFY_SITE = "//sparsify-site:7\noverride gated: u32 = 0u;\noverride with_norm: bool = false;\noverride with_weight: bool = false;\n\n\noverride output: u32 = 0u;\n\noverride parts_of_rows: bool = false;\n\nconst LEVELS = 1u;\nconst MASK = 2u;\nconst PREPARED = 3u;\nconst EVERYTHING = 4u;\n\n\nstruct Levels {\nlargest: f32,\nstep: f32,\n}\n\nfn levels_of(magnitude: u32) -> Levels {\nlet largest = bitcast<f32>(max(magnitude, 0x3727c5acu));\nreturn Levels(largest, largest / 127.0);\n}\n\n\nconst HUGE = 0x57800000u;\nconst LOWERED = 80u;\n\n\n\nfn inverse_of(largest: u32, mean: f32, epsilon: f32) -> f32 {\nif (largest >= HUGE) {\nreturn inverseSqrt(mean) * 0x1p-80f;\n}\nreturn inverseSqrt(mean + epsilon);\n}\n\n\nfn broken_inverse(largest: u32) -> f32 {\nreturn bitcast<f32>(select(0u, largest, largest > NOT_FINITE));\n}\n\n\nfn broken_entry(h: f32, its_weight: f32, largest: u32) -> f32 {\nlet is_zero = largest == NOT_FINITE && is_finite(h) && is_finite(its_weight);\nlet zero = (bitcast<u32>(h) ^ bitcast<u32>(its_weight)) & 0x80000000u;\nreturn bitcast<f32>(select(largest | 0x7fc00000u, zero, is_zero));\n}\n\nfn written(h: f32, kept: bool, levels: Levels) -> f32 {\nif (output == MASK) {\nreturn select(0.0, 1.0, kept);\n}\nif (!kept) {\nreturn 0.0;\n}\nif (output == LEVELS) {\nreturn level_number(h, levels.largest) * levels.step;\n}\nreturn h;\n}\n\n\nstruct Cut {\nabove: u32,\nbound: u32,\n}\n\nfn keeps(cut: Cut, magnitude: u32, index: u32) -> bool {\nreturn magnitude >= cut.above || (magnitude + 1u == cut.above && index < cut.bound);\n}\n\n\nfn must_break_ties(search: Search) -> bool {\nreturn search.ties > 0u && (search.high > 1u || output == MASK);\n}\n";
const ROWS_SUBGROUPS = "//rows-subgroups:4\noverride team: u32 = 256u;\n\noverride smallest_subgroup: u32 = 4u;\n\n\nvar<workgroup> team_values: array<u32, (team + smallest_subgroup - 1u) / smallest_subgroup>;\nvar<workgroup> team_result: u32;\nvar<workgroup> team_pairs: array<vec2u, (team + smallest_subgroup - 1u) / smallest_subgroup>;\nvar<workgroup> team_pair: vec2u;\n\n\nstruct SumAndLargest {\nsum: f32,\nlargest: u32,\n}\n\n\nfn gather_places(own: u32, lane: u32) {\nlet first = subgroupMin(lane);\nif (lane == first) {\nteam_values[first / smallest_subgroup] = own;\n}\nworkgroupBarrier();\n}\n\nfn team_sum(value: f32, lane: u32) -> f32 {\ngather_places(bitcast<u32>(subgroupAdd(value)), lane);\nif (lane == 0u) {\nvar sum = 0.0;\nfor (var i = 0u; i < (team + smallest_subgroup - 1u) / smallest_subgroup; i++) {\nsum += bitcast<f32>(team_values[i]);\n}\nteam_result = bitcast<u32>(sum);\n}\nreturn bitcast<f32>(workgroupUniformLoad(&team_result));\n}\n\nfn team_count(value: u32, lane: u32) -> u32 {\ngather_places(subgroupAdd(value), lane);\nif (lane == 0u) {\nvar sum = 0u;\nfor (var i = 0u; i < (team + smallest_subgroup - 1u) / smallest_subgroup; i++) {\nsum += team_values[i];\n}\nteam_result = sum;\n}\nreturn workgroupUniformLoad(&team_result);\n}\n\nfn team_largest(value: u32, lane: u32) -> u32 {\ngather_places(subgroupMax(value), lane);\nif (lane == 0u) {\nvar largest = 0u;\nfor (var i = 0u; i < (team + smallest_subgroup - 1u) / smallest_subgroup; i++) {\nlargest = max(largest, team_values[i]);\n}\nteam_result = largest;\n}\nreturn workgroupUniformLoad(&team_result);\n}\n\nfn team_sum_and_largest(value: f32, other: u32, lane: u32) -> SumAndLargest {\nlet own = vec2u(bitcast<u32>(subgroupAdd(value)), subgroupMax(other));\nlet first = subgroupMin(lane);\nif (lane == first) {\nteam_pairs[first / smallest_subgroup] = own;\n}\nworkgroupBarrier();\nif (lane == 0u) {\nvar sum = 0.0;\nvar largest = 0u;\nfor (var i = 0u; i < (team + smallest_subgroup - 1u) / smallest_subgroup; i++) {\nsum += bitcast<f32>(team_pairs[i].x);\nlargest = max(largest, team_pairs[i].y);\n}\nteam_pair = vec2u(bitcast<u32>(sum), largest);\n}\nlet both = workgroupUniformLoad(&team_pair);\nreturn SumAndLargest(bitcast<f32>(both.x), both.y);\n}\n";
const SPARSIFY_VECTORS = "//sparsify-vectors:4\nfn given(row: u32, i: u32) -> vec4f {\nlet length = arguments.width / 4u;\nif (gated == 0u) {\nreturn x[arguments.x_at + row * length + i];\n}\nlet at = arguments.x_at + 2u * row * length + i;\nlet gate = x[at];\nlet value = vec4f(\nactivation(gated, gate.x),\nactivation(gated, gate.y),\nactivation(gated, gate.z),\nactivation(gated, gate.w),\n);\nreturn value * x[at + length];\n}\n\nfn magnitudes_of(h: vec4f) -> vec4u {\nreturn bitcast<vec4u>(h) & vec4u(0x7fffffffu);\n}\n\nfn largest_component(magnitudes: vec4u) -> u32 {\nlet pair = max(magnitudes.xy, magnitudes.zw);\nreturn max(pair.x, pair.y);\n}\n\nfn lowered_vector(h: vec4f) -> vec4f {\nreturn vec4f(\nlowered(h.x, LOWERED),\nlowered(h.y, LOWERED),\nlowered(h.z, LOWERED),\nlowered(h.w, LOWERED),\n);\n}\n\n\nfn broken_vector(h: vec4f, i: u32, largest: u32) -> vec4f {\nif (output != EVERYTHING) {\nreturn vec4f(nan_from(largest));\n}\nvar w = vec4f(1.0);\nif (with_weight) {\nw = weight[arguments.weight_at + i];\n}\nreturn vec4f(\nbroken_entry(h.x, w.x, largest),\nbroken_entry(h.y, w.y, largest),\nbroken_entry(h.z, w.z, largest),\nbroken_entry(h.w, w.w, largest),\n);\n}\n\nfn count_true(those: vec4<bool>) -> u32 {\nlet ones = select(vec4u(0u), vec4u(1u), those);\nreturn (ones.x + ones.y) + (ones.z + ones.w);\n}\n\n\nfn written_vector(h: vec4f, cut: Cut, i: u32, levels: Levels) -> vec4f {\nlet m = magnitudes_of(h);\nreturn vec4f(\nwritten(h.x, keeps(cut, m.x, 4u * i), levels),\nwritten(h.y, keeps(cut, m.y, 4u * i + 1u), levels),\nwritten(h.z, keeps(cut, m.z, 4u * i + 2u), levels),\nwritten(h.w, keeps(cut, m.w, 4u * i + 3u), levels),\n);\n}\n";
const SPARSIFY_ROW = "//sparsify-row:6\nconst MOST_VECTORS = 16u;\noverride vectors: u32 = 4u;\n\nfn sparsify_row(row: u32, lane: u32) {\nlet length = arguments.width / 4u;\nvar h: array<vec4f, MOST_VECTORS>;\nfor (var v = 0u; v < vectors; v++) {\nlet i = v * team + lane;\nh[v] = vec4f();\nif (i < length) {\nh[v] = given(row, i);\n}\n}\nif (with_norm) {\nvar squares = 0.0;\nvar own_largest = vec4u();\nfor (var v = 0u; v < vectors; v++) {\nsquares += dot(h[v], h[v]);\nown_largest = max(own_largest, magnitudes_of(h[v]));\n}\nlet of_row = team_sum_and_largest(squares, largest_component(own_largest), lane);\nif (of_row.largest >= NOT_FINITE) {\nif (lane == 0u) {\nwrite_inverse(row, broken_inverse(of_row.largest));\n}\nfor (var v = 0u; v < vectors; v++) {\nlet i = v * team + lane;\nif (i < length) {\nh[v] = broken_vector(h[v], i, of_row.largest);\n}\n}\nfinish_row(row, lane, &h);\nreturn;\n}\nvar sum = of_row.sum;\nif (of_row.largest >= HUGE) {\nvar small = 0.0;\nfor (var v = 0u; v < vectors; v++) {\nlet low = lowered_vector(h[v]);\nsmall += dot(low, low);\n}\nsum = team_sum(small, lane);\n}\nlet inverse = inverse_of(of_row.largest, sum / f32(arguments.width), arguments.epsilon);\nif (lane == 0u) {\nwrite_inverse(row, inverse);\n}\nfor (var v = 0u; v < vectors; v++) {\nh[v] *= inverse;\nlet i = v * team + lane;\nif (with_weight && i < length) {\nh[v] *= weight[arguments.weight_at + i];\n}\n}\n}\nif (output == EVERYTHING) {\nfinish_row(row, lane, &h);\nreturn;\n}\nvar own_largest = vec4u();\nfor (var v = 0u; v < vectors; v++) {\nown_largest = max(own_largest, magnitudes_of(h[v]));\n}\nlet largest = team_largest(largest_component(own_largest), lane);\nif (largest >= NOT_FINITE) {\nfor (var v = 0u; v < vectors; v++) {\nif (v * team + lane < length) {\nh[v] = vec4f(nan_from(largest));\n}\n}\nfinish_row(row, lane, &h);\nreturn;\n}\nvar cut = Cut(0u, 0u);\nif (arguments.keep < arguments.width) {\nvar magnitudes = vec4f();\nfor (var v = 0u; v < vectors; v++) {\nmagnitudes += abs(h[v]);\n}\nlet own_sum = (magnitudes.x + magnitudes.y) + (magnitudes.z + magnitudes.w);\nlet mean = team_sum(own_sum, lane) / f32(arguments.width);\nvar search = search_begin(arguments.width, arguments.keep, largest, mean);\nwhile (search.open) {\nvar count = 0u;\nfor (var v = 0u; v < vectors; v++) {\ncount += count_true(magnitudes_of(h[v]) >= vec4u(search.pivot));\n}\nsearch = search_step(search, team_count(count, lane), arguments.keep);\n}\ncut = Cut(search.high, arguments.width);\nif (search.ties == 0u) {\ncut.bound = 0u;\n} else if (must_break_ties(search)) {\n\nvar below = 0u;\nwhile (cut.bound - below > 1u) {\nlet middle = below + (cut.bound - below) / 2u;\nvar count = 0u;\nfor (var v = 0u; v < vectors; v++) {\nlet index = 4u * (v * team + lane) + vec4u(0u, 1u, 2u, 3u);\ncount += count_true((magnitudes_of(h[v]) == vec4u(search.high - 1u)) & (index < vec4u(middle)));\n}\nif (team_count(count, lane) >= search.ties) {\ncut.bound = middle;\n} else {\nbelow = middle;\n}\n}\n}\n}\nlet levels = levels_of(largest);\nfor (var v = 0u; v < vectors; v++) {\nlet i = v * team + lane;\nif (i < length) {\nh[v] = written_vector(h[v], cut, i, levels);\n}\n}\nfinish_row(row, lane, &h);\n}\n";
const SPARSIFY_LIST_ROW = "//sparsify-list-row:4\nstruct Arguments {\nrows: u32,\nwidth: u32,\nkeep: u32,\nepsilon: f32,\nx_at: u32,\nweight_at: u32,\nindices_at: u32,\nvalues_at: u32,\ncount_at: u32,\nscale_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> x: array<vec4f>;\n@group(0) @binding(2) var<storage, read> weight: array<vec4f>;\n@group(0) @binding(3) var<storage, read_write> indices: array<u32>;\n@group(0) @binding(4) var<storage, read_write> values: array<u32>;\n@group(0) @binding(5) var<storage, read_write> count: array<u32>;\n@group(0) @binding(6) var<storage, read_write> scale: array<f32>;\n\n\nconst INDEX_BITS = 24u;\n\nfn write_inverse(row: u32, inverse: f32) {\n}\n\nfn finish_row(row: u32, lane: u32, h: ptr<function, array<vec4f, MOST_VECTORS>>) {\nlet list = row * arguments.keep;\nvar step = 1.0;\nvar finite = true;\nif (output == LEVELS) {\nvar own_largest = vec4u();\nfor (var v = 0u; v < vectors; v++) {\nown_largest = max(own_largest, magnitudes_of((*h)[v]));\n}\nlet magnitude = team_largest(largest_component(own_largest), lane);\nfinite = magnitude < NOT_FINITE;\nstep = max(bitcast<f32>(select(0u, magnitude, finite)), 1e-5);\nif (lane == 0u) {\nscale[arguments.scale_at + row] = select(nan_from(magnitude), step / 127.0, finite);\n}\n}\nvar found = 0u;\nfor (var v = 0u; v < vectors; v++) {\nlet ones = select(vec4u(0u), vec4u(1u), magnitudes_of((*h)[v]) != vec4u(0u));\nlet scan = team_before((ones.x + ones.y) + (ones.z + ones.w), lane);\nlet first = found + scan.before;\nlet places = first + vec4u(0u, ones.x, ones.x + ones.y, ones.x + ones.y + ones.z);\nlet index = 4u * (v * team + lane);\nwrite_entry(list, ones.x, places.x, index, (*h)[v].x, step, finite);\nwrite_entry(list, ones.y, places.y, index + 1u, (*h)[v].y, step, finite);\nwrite_entry(list, ones.z, places.z, index + 2u, (*h)[v].z, step, finite);\nwrite_entry(list, ones.w, places.w, index + 3u, (*h)[v].w, step, finite);\nfound += scan.all;\n}\nfound = min(found, arguments.keep);\nfor (var place = found + lane; place < arguments.keep; place += team) {\nindices[arguments.indices_at + list + place] = 0u;\nif (output != LEVELS) {\nvalues[arguments.values_at + list + place] = 0u;\n}\n}\nif (lane == 0u) {\ncount[arguments.count_at + row] = found;\n}\nif (output == LEVELS) {\nstorageBarrier();\npack_codes(list, lane);\n}\n}\n\n\nfn write_entry(list: u32, is_one: u32, of_list: u32, index: u32, value: f32, largest: f32, finite: bool) {\nif (is_one == 0u || of_list >= arguments.keep) {\nreturn;\n}\nlet place = list + of_list;\nif (output != LEVELS) {\nindices[arguments.indices_at + place] = index;\nvalues[arguments.values_at + place] = bitcast<u32>(value);\nreturn;\n}\nvar code = 0u;\nif (finite) {\ncode = bitcast<u32>(i32(clamp(level_number(value, largest), -127.0, 127.0)));\n}\nindices[arguments.indices_at + place] = index | (code << INDEX_BITS);\n}\n\n\nfn pack_codes(list: u32, lane: u32) {\nfor (var word = lane; 4u * word < arguments.keep; word += team) {\nvar bits = 0u;\nvar mask = 0u;\nfor (var byte = 0u; byte < 4u && 4u * word + byte < arguments.keep; byte++) {\nlet at = arguments.indices_at + list + 4u * word + byte;\nlet entry = indices[at];\nindices[at] = entry & ((1u << INDEX_BITS) - 1u);\nbits |= (entry >> INDEX_BITS) << (8u * byte);\nmask |= 0xffu << (8u * byte);\n}\nlet at = (arguments.values_at + list) / 4u + word;\nif (mask != 0xffffffffu) {\nbits |= values[at] & ~mask;\n}\nvalues[at] = bits;\n}\n}\n";
const SPARSIFY_LIST = "//:6\n@compute @workgroup_size(team)\nfn sparsify_list(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet row = group.x + group.y * groups.x;\nif (row < arguments.rows) {\nsparsify_row(row, lane);\n}\n}\n";
const SPARSIFY_OUTPUTS = "//sparsify-outputs:2\nstruct Arguments {\nrows: u32,\nwidth: u32,\nkeep: u32,\nepsilon: f32,\nx_at: u32,\nweight_at: u32,\ny_at: u32,\ninverse_rms_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> x: array<vec4f>;\n@group(0) @binding(2) var<storage, read> weight: array<vec4f>;\n@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;\n@group(0) @binding(4) var<storage, read_write> inverse_rms: array<f32>;\n";
const SPARSIFY_DENSE_ROW = "//sparsify-dense-row:5\nfn write_inverse(row: u32, inverse: f32) {\ninverse_rms[arguments.inverse_rms_at + row] = inverse;\n}\n\nfn finish_row(row: u32, lane: u32, h: ptr<function, array<vec4f, MOST_VECTORS>>) {\nlet length = arguments.width / 4u;\nfor (var v = 0u; v < vectors; v++) {\nlet i = v * team + lane;\nif (i < length) {\ny[arguments.y_at + row * length + i] = (*h)[v];\n}\n}\n}\n";
const SPARSIFY_VEC4 = "//:5\n@compute @workgroup_size(team)\nfn sparsify(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet row = group.x + group.y * groups.x;\nif (row < arguments.rows) {\nsparsify_row(row, lane);\n}\n}\n";
const TERNARY_GEMV_SUMS = "//ternary-gemv-sums:7\nstruct Arguments {\n\nworkgroups: u32,\ntiles: u32,\nsplits: u32,\nlists: u32,\n\nkeep: u32,\n\ninputs: u32,\nfirst: u32,\nchannels: u32,\n\nunits: u32,\noutputs: u32,\nfirst_part: u32,\nindices_at: u32,\nvalues_at: u32,\ncount_at: u32,\nscale_at: u32,\nw_at: u32,\nscales_at: u32,\nadd_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> indices: array<u32>;\n@group(0) @binding(2) var<storage, read> values: array<u32>;\n@group(0) @binding(3) var<storage, read> count: array<u32>;\n@group(0) @binding(4) var<storage, read> scale: array<f32>;\n@group(0) @binding(5) var<storage, read> w: array<u32>;\n@group(0) @binding(6) var<storage, read> scales: array<vec4f>;\n@group(0) @binding(7) var<storage, read> add: array<vec4f>;\n@group(0) @binding(8) var<storage, read_write> y: array<vec4u>;\n\noverride unaligned: bool = false;\n\n\nconst BROKEN = 0x80000000u;\n\nconst FEW_ENTRIES = 128u;\n\n\nstruct Sums {\na: vec4i,\nb: vec4i,\nc: vec4i,\nd: vec4i,\n}\n\n\nvar<workgroup> entries: array<vec2u, lanes * slots>;\nvar<workgroup> halves: array<vec4i, 2u * lanes * slots>;\nvar<workgroup> any_broken: atomic<u32>;\n\n\nfn entry_of(place: Place, j: u32) -> vec3u {\nif (j >= place.end) {\nreturn vec3u();\n}\nlet at = place.list * arguments.keep + j;\nlet channel = indices[arguments.indices_at + at];\nlet own = channel - arguments.first;\nif (channel >= arguments.inputs || own >= arguments.channels) {\nreturn vec3u(0u, 0u, select(0u, 1u, channel >= arguments.inputs));\n}\nlet byte = arguments.values_at + at;\nreturn vec3u(own, bitcast<u32>(byte_of(values[byte / 4u], byte)), 0u);\n}\n\nfn word_at(channel: u32, unit: u32) -> u32 {\nlet at = arguments.w_at + (channel * arguments.units + unit) * 4u;\nif (!unaligned) {\nreturn w[at / 4u];\n}\nlet shift = at % 4u * 8u;\nreturn (w[at / 4u] >> shift) | (w[at / 4u + 1u] << (32u - shift));\n}\n\n\nfn add_eight(team: ptr<function, Team>, one: array<vec2u, 4>, two: array<vec2u, 4>, unit: u32) {\nlet first = vec4u(word_at(one[0].x, unit), word_at(one[1].x, unit), word_at(one[2].x, unit), word_at(one[3].x, unit));\nlet second = vec4u(word_at(two[0].x, unit), word_at(two[1].x, unit), word_at(two[2].x, unit), word_at(two[3].x, unit));\nadd_four(team, vec4u(one[0].y, one[1].y, one[2].y, one[3].y), first);\nadd_four(team, vec4u(two[0].y, two[1].y, two[2].y, two[3].y), second);\n}\n\nfn product(index: u32, lane: u32) {\nif (index >= arguments.workgroups) {\nreturn;\n}\nlet place = place_of(index, 8u);\nlet own_unit = place.unit + lane % lanes;\nlet slot = lane / lanes;\n\nlet unit = min(own_unit, arguments.units - 1u);\nvar team = Team();\nvar broken = 0u;\nif (staged) {\nlet chunk = lanes * slots;\nfor (var start = place.begin; start < place.end; start += chunk) {\nworkgroupBarrier();\nlet own = entry_of(place, start + lane);\nentries[lane] = own.xy;\nif (own.z != 0u) {\natomicOr(&any_broken, 1u);\n}\nworkgroupBarrier();\nlet end = min(chunk, place.end - start);\nfor (var j = slot * 8u; j < end; j += slots * 8u) {\nlet one = array<vec2u, 4>(entries[j], entries[j + 1u], entries[j + 2u], entries[j + 3u]);\nlet two = array<vec2u, 4>(entries[j + 4u], entries[j + 5u], entries[j + 6u], entries[j + 7u]);\nadd_eight(&team, one, two, unit);\n}\nend_few(&team);\n}\n} else {\nfor (var start = place.begin; start < place.end; start += FEW_ENTRIES) {\nfor (var j = start; j < min(start + FEW_ENTRIES, place.end); j += 8u) {\nvar eight: array<vec2u, 8>;\nfor (var i = 0u; i < 8u; i++) {\nlet own = entry_of(place, j + i);\neight[i] = own.xy;\nbroken |= own.z;\n}\nlet one = array<vec2u, 4>(eight[0], eight[1], eight[2], eight[3]);\nadd_eight(&team, one, array<vec2u, 4>(eight[4], eight[5], eight[6], eight[7]), unit);\n}\nend_few(&team);\n}\n}\n\nlet codes = vec4i(team.values);\nvar sums = Sums(team.sums.a - codes, team.sums.b - codes, team.sums.c - codes, team.sums.d - codes);\nif (staged) {\nfor (var half = slots / 2u; half > 0u; half /= 2u) {\nlet at = lane % (half * lanes) * 4u;\nworkgroupBarrier();\nif (slot >= half && slot < 2u * half) {\nhalves[at] = sums.a;\nhalves[at + 1u] = sums.b;\nhalves[at + 2u] = sums.c;\nhalves[at + 3u] = sums.d;\n}\nworkgroupBarrier();\nif (slot < half) {\nsums.a += halves[at];\nsums.b += halves[at + 1u];\nsums.c += halves[at + 2u];\nsums.d += halves[at + 3u];\n}\n}\nbroken = atomicLoad(&any_broken);\n}\nif (slot == 0u && own_unit < arguments.units) {\nwrite_run(place, own_unit, 0u, sums.a, broken);\nwrite_run(place, own_unit, 1u, sums.b, broken);\nwrite_run(place, own_unit, 2u, sums.c, broken);\nwrite_run(place, own_unit, 3u, sums.d, broken);\n}\n}\n\n\nfn write_run(place: Place, unit: u32, run: u32, sums: vec4i, broken: u32) {\nlet column = unit / 16u * 64u + run * 16u + unit % 16u;\nif (!finish) {\n\nlet row = place.part * arguments.lists + place.list;\nlet bits = select(bitcast<vec4u>(sums), vec4u(BROKEN), vec4<bool>(broken != 0u));\ny[arguments.y_at + row * arguments.units * 4u + column] = bits;\nreturn;\n}\nlet length = arguments.outputs / 4u;\nif (column >= length) {\nreturn;\n}\nvar result = vec4f(sums) * scale[arguments.scale_at + place.list] * scales[arguments.scales_at + column];\nif (with_add) {\nresult += add[arguments.add_at + place.list * length + column];\n}\nlet bits = select(bitcast<vec4u>(result), vec4u(NOT_FINITE + broken), vec4<bool>(broken != 0u));\ny[arguments.y_at + place.list * length + column] = bits;\n}\n";
const UNARY_FORMULAS = "//unary-formulas:4\nfn unary_value(kind: u32, x: f32) -> f32 {\nswitch (kind) {\ncase 0u: {\nreturn -x;\n}\ncase 1u: {\nreturn exp_of(x);\n}\ncase 2u: {\nreturn log_of(x);\n}\ncase 3u: {\nreturn root_of(x);\n}\ncase 4u: {\nreturn x * x;\n}\ncase 5u: {\nreturn 1.0 / x;\n}\ncase 6u: {\nreturn abs(x);\n}\ncase 7u: {\nreturn relu(x);\n}\ndefault: {\nreturn activation(kind - 7u, x);\n}\n}\n}\n\nfn unary_derivative(kind: u32, x: f32) -> f32 {\nswitch (kind) {\ncase 0u: {\nreturn -1.0;\n}\ncase 1u: {\nreturn exp_of(x);\n}\ncase 2u: {\nreturn 1.0 / x;\n}\ncase 3u: {\nreturn 0.5 / root_of(x);\n}\ncase 4u: {\nreturn 2.0 * x;\n}\ncase 5u: {\nreturn -1.0 / (x * x);\n}\ncase 6u: {\nreturn select(select(1.0, -1.0, is_negative(x)), x, magnitude_of(x) == 0u || is_nan(x));\n}\ncase 7u: {\nreturn select(1.0, 0.0, is_negative(x) || magnitude_of(x) == 0u || is_nan(x));\n}\ndefault: {\nreturn activation_slope(kind - 7u, x);\n}\n}\n}\n";

export interface Modules {
  'accumulate-vec4': {
    entries: 'accumulate';
    bindings: 'into' | 'x';
    arguments: 'count';
    overrides: never;
  };
  'accumulate': {
    entries: 'accumulate';
    bindings: 'into' | 'x';
    arguments: 'count';
    overrides: never;
  };
  'adamw-vec4': {
    entries: 'adamw';
    bindings: 'value' | 'm' | 'v' | 'grad' | 'norm' | 'hyper';
    arguments: 'count' | 'decay' | 'beta1' | 'rest1' | 'beta2' | 'rest2' | 'epsilon';
    overrides: never;
  };
  'adamw': {
    entries: 'adamw';
    bindings: 'value' | 'm' | 'v' | 'grad' | 'norm' | 'hyper';
    arguments: 'count' | 'decay' | 'beta1' | 'rest1' | 'beta2' | 'rest2' | 'epsilon';
    overrides: never;
  };
  'argmax': {
    entries: 'argmax';
    bindings: 'x' | 'y';
    arguments: 'rows' | 'width';
    overrides: 'team';
  };
  'attention-merge': {
    entries: 'merge';
    bindings: 'parts' | 'y' | 'log_sum_exp';
    arguments: 'elements' | 'width' | 'paddedWidth' | 'rows' | 'splits' | 'sumsBegin';
    overrides: never;
  };
  'attention-mix-vec4': {
    entries: 'mix_keys' | 'mix_queries';
    bindings: 'weights' | 'x' | 'position' | 'first' | 'y';
    arguments: 'blocks' | 'queries' | 'keys' | 'heads' | 'groups' | 'width' | 'paddedQueries' | 'paddedKeys' | 'firstGroup' | 'weightsBegin' | 'window' | 'places';
    overrides: never;
  };
  'attention-mix': {
    entries: 'mix_keys' | 'mix_queries';
    bindings: 'weights' | 'x' | 'position' | 'first' | 'y';
    arguments: 'blocks' | 'queries' | 'keys' | 'heads' | 'groups' | 'width' | 'paddedQueries' | 'paddedKeys' | 'firstGroup' | 'weightsBegin' | 'window' | 'places';
    overrides: never;
  };
  'attention-rows': {
    entries: 'weights_of_scores' | 'rows_of_gradient';
    bindings: 'dy' | 'y' | 'given' | 'position' | 'first' | 'weights' | 'log_sum_exp';
    arguments: 'count' | 'queries' | 'keys' | 'heads' | 'groups' | 'width' | 'paddedQueries' | 'paddedKeys' | 'firstGroup' | 'window' | 'places';
    overrides: never;
  };
  'attention-scores-vec4': {
    entries: 'scores' | 'gradients';
    bindings: 'q' | 'k' | 'dy' | 'v' | 'rows' | 'position' | 'first' | 'weights';
    arguments: 'blocks' | 'queries' | 'keys' | 'heads' | 'groups' | 'width' | 'paddedQueries' | 'paddedKeys' | 'firstGroup' | 'gradients' | 'window' | 'places' | 'scale';
    overrides: never;
  };
  'attention-scores': {
    entries: 'scores' | 'gradients';
    bindings: 'q' | 'k' | 'dy' | 'v' | 'rows' | 'position' | 'first' | 'weights';
    arguments: 'blocks' | 'queries' | 'keys' | 'heads' | 'groups' | 'width' | 'paddedQueries' | 'paddedKeys' | 'firstGroup' | 'gradients' | 'window' | 'places' | 'scale';
    overrides: never;
  };
  'attention-tiles-backward-vec4': {
    entries: 'keys' | 'queries';
    bindings: 'q' | 'k' | 'v' | 'dy' | 'rows' | 'dx' | 'dv';
    arguments: 'workgroups' | 'queries' | 'keys' | 'heads' | 'groups' | 'width' | 'rowTiles' | 'keyTiles' | 'columnTiles' | 'places' | 'scale';
    overrides: never;
  };
  'attention-tiles-backward': {
    entries: 'keys' | 'queries';
    bindings: 'q' | 'k' | 'v' | 'dy' | 'rows' | 'dx' | 'dv';
    arguments: 'workgroups' | 'queries' | 'keys' | 'heads' | 'groups' | 'width' | 'rowTiles' | 'keyTiles' | 'columnTiles' | 'places' | 'scale';
    overrides: never;
  };
  'attention-tiles-vec4': {
    entries: 'attention';
    bindings: 'q' | 'k' | 'v' | 'position' | 'first' | 'y' | 'log_sum_exp' | 'parts';
    arguments: 'workgroups' | 'queries' | 'keys' | 'heads' | 'groups' | 'width' | 'rowTiles' | 'columnTiles' | 'splits' | 'keysOfSplit' | 'sumsBegin' | 'window' | 'places' | 'scale';
    overrides: never;
  };
  'attention-tiles': {
    entries: 'attention';
    bindings: 'q' | 'k' | 'v' | 'position' | 'first' | 'y' | 'log_sum_exp' | 'parts';
    arguments: 'workgroups' | 'queries' | 'keys' | 'heads' | 'groups' | 'width' | 'rowTiles' | 'columnTiles' | 'splits' | 'keysOfSplit' | 'sumsBegin' | 'window' | 'places' | 'scale';
    overrides: never;
  };
  'binary-vec4': {
    entries: 'binary_of';
    bindings: 'a' | 'b' | 'y';
    arguments: 'count' | 'period' | 'start';
    overrides: 'kind';
  };
  'binary': {
    entries: 'binary_of';
    bindings: 'a' | 'b' | 'y';
    arguments: 'count' | 'period' | 'start';
    overrides: 'kind';
  };
  'broadcast': {
    entries: 'broadcast';
    bindings: 'x' | 'y';
    arguments: 'count' | 'repeats' | 'period' | 'start';
    overrides: never;
  };
  'cast': {
    entries: 'cast_elements';
    bindings: 'x' | 'y';
    arguments: 'count';
    overrides: 'source' | 'target_type';
  };
  'compact-codes': {
    entries: 'write_codes';
    bindings: 'x' | 'indices' | 'count' | 'largest' | 'codes';
    arguments: 'rows' | 'width' | 'keep';
    overrides: never;
  };
  'compact-lists': {
    entries: 'lists';
    bindings: 'x' | 'indices' | 'values' | 'count' | 'scale' | 'largest';
    arguments: 'rows' | 'width' | 'keep';
    overrides: 'team' | 'levels';
  };
  'copy-parts': {
    entries: 'copy_parts';
    bindings: 'x' | 'y';
    arguments: 'span' | 'length' | 'xStride' | 'yStride';
    overrides: 'per_word';
  };
  'copy-runs-vec4': {
    entries: 'copy_runs';
    bindings: 'x' | 'y';
    arguments: 'count' | 'length' | 'xStride' | 'yStride';
    overrides: never;
  };
  'copy-runs': {
    entries: 'copy_runs';
    bindings: 'x' | 'y';
    arguments: 'count' | 'length' | 'xStride' | 'yStride';
    overrides: never;
  };
  'cross-entropy-backward': {
    entries: 'cross_entropy_backward';
    bindings: 'd' | 'logits' | 'targets' | 'log_sum_exp' | 'count' | 'gradient';
    arguments: 'elements' | 'width';
    overrides: 'in_place';
  };
  'cross-entropy-mean': {
    entries: 'mean';
    bindings: 'row_losses' | 'targets' | 'loss' | 'count';
    arguments: 'rows';
    overrides: 'team';
  };
  'cross-entropy': {
    entries: 'team_row' | 'single_row';
    bindings: 'logits' | 'targets' | 'log_sum_exp' | 'row_losses';
    arguments: 'rows' | 'width';
    overrides: 'team';
  };
  'embedding-backward': {
    entries: 'embedding_backward';
    bindings: 'dy' | 'ids' | 'into';
    arguments: 'rows' | 'width' | 'first' | 'length' | 'partitions';
    overrides: never;
  };
  'embedding': {
    entries: 'embedding';
    bindings: 'table' | 'ids' | 'y';
    arguments: 'count' | 'width' | 'length' | 'first' | 'rows' | 'nan';
    overrides: never;
  };
  'fill-vec4': {
    entries: 'fill';
    bindings: 'into';
    arguments: 'count' | 'pattern';
    overrides: never;
  };
  'fill': {
    entries: 'fill';
    bindings: 'into';
    arguments: 'count' | 'pattern' | 'firstMask' | 'lastMask';
    overrides: never;
  };
  'gated-activation-backward-vec4': {
    entries: 'gated_activation_backward';
    bindings: 'gate' | 'up' | 'dy' | 'd_gate' | 'd_up';
    arguments: 'count';
    overrides: 'kind';
  };
  'gated-activation-backward': {
    entries: 'gated_activation_backward';
    bindings: 'gate' | 'up' | 'dy' | 'd_gate' | 'd_up';
    arguments: 'count';
    overrides: 'kind';
  };
  'gated-activation-vec4': {
    entries: 'gated_activation';
    bindings: 'gate' | 'up' | 'y';
    arguments: 'count';
    overrides: 'kind';
  };
  'gated-activation': {
    entries: 'gated_activation';
    bindings: 'gate' | 'up' | 'y';
    arguments: 'count';
    overrides: 'kind';
  };
  'gated-halves-backward-vec4': {
    entries: 'gated_halves_backward';
    bindings: 'dy' | 'x' | 'dx';
    arguments: 'count' | 'width';
    overrides: 'kind';
  };
  'gated-halves-backward': {
    entries: 'gated_halves_backward';
    bindings: 'dy' | 'x' | 'dx';
    arguments: 'count' | 'width';
    overrides: 'kind';
  };
  'gated-halves-vec4': {
    entries: 'gated_halves';
    bindings: 'x' | 'y';
    arguments: 'count' | 'width';
    overrides: 'kind';
  };
  'gated-halves': {
    entries: 'gated_halves';
    bindings: 'x' | 'y';
    arguments: 'count' | 'width';
    overrides: 'kind';
  };
  'global-norm': {
    entries: 'global_norm' | 'global_norm_lane' | 'join_norms' | 'join_norms_lane';
    bindings: 'x' | 'y';
    arguments: 'count' | 'piece' | 'pieces';
    overrides: 'team';
  };
  'kv-append': {
    entries: 'kv_append';
    bindings: 'cache' | 'x' | 'position';
    arguments: 'count' | 'width' | 'tokens' | 'length' | 'first' | 'bound' | 'places';
    overrides: never;
  };
  'matmul-matrices-16': {
    entries: 'matmul_matrices';
    bindings: 'a' | 'b' | 'y';
    arguments: 'm' | 'n' | 'k' | 'aRow' | 'bRow';
    overrides: 'transpose_a' | 'transpose_b' | 'accumulate' | 'threads';
  };
  'matmul-matrices-8': {
    entries: 'matmul_matrices';
    bindings: 'a' | 'b' | 'y';
    arguments: 'm' | 'n' | 'k' | 'aRow' | 'bRow';
    overrides: 'transpose_a' | 'transpose_b' | 'accumulate' | 'threads';
  };
  'matmul-sum': {
    entries: 'sum';
    bindings: 'partial' | 'add' | 'y';
    arguments: 'size' | 'splits';
    overrides: 'begin_with';
  };
  'matmul-vec4': {
    entries: 'tiled' | 'direct' | 'few' | 'direct8';
    bindings: 'a' | 'b' | 'add' | 'y';
    arguments: 'm' | 'n' | 'k' | 'aRow' | 'bRow' | 'yRow' | 'aMatrix' | 'bMatrix' | 'yMatrix' | 'tilesM' | 'tilesN' | 'workgroups' | 'splits' | 'kOfSplit';
    overrides: 'transpose_a' | 'transpose_b' | 'begin_with' | 'tile_m' | 'tile_n' | 'tile_k' | 'threads' | 'across' | 'rows';
  };
  'matmul-whole': {
    entries: 'whole';
    bindings: 'a' | 'b' | 'add' | 'y';
    arguments: 'm' | 'n' | 'k' | 'aRow' | 'bRow' | 'yRow' | 'aMatrix' | 'bMatrix' | 'yMatrix' | 'tilesM' | 'tilesN' | 'workgroups' | 'splits' | 'kOfSplit';
    overrides: 'transpose_a' | 'transpose_b' | 'begin_with';
  };
  'matmul': {
    entries: 'tiled' | 'direct' | 'few';
    bindings: 'a' | 'b' | 'add' | 'y';
    arguments: 'm' | 'n' | 'k' | 'aRow' | 'bRow' | 'yRow' | 'aMatrix' | 'bMatrix' | 'yMatrix' | 'tilesM' | 'tilesN' | 'workgroups' | 'splits' | 'kOfSplit';
    overrides: 'transpose_a' | 'transpose_b' | 'begin_with' | 'tile_m' | 'tile_n' | 'tile_k' | 'threads' | 'across' | 'rows';
  };
  'merge-word': {
    entries: 'merge_word';
    bindings: 'words';
    arguments: 'mask' | 'value';
    overrides: never;
  };
  'norm-backward-subgroups': {
    entries: 'norm_backward';
    bindings: 'dy' | 'x' | 'weight' | 'inverse_rms' | 'dx' | 'partial';
    arguments: 'rows' | 'width' | 'chunk';
    overrides: 'team' | 'smallest_subgroup' | 'gated' | 'with_weight' | 'add' | 'vectors';
  };
  'norm-backward-vec4': {
    entries: 'norm_backward';
    bindings: 'dy' | 'x' | 'weight' | 'inverse_rms' | 'dx' | 'partial';
    arguments: 'rows' | 'width' | 'chunk';
    overrides: 'team' | 'gated' | 'with_weight' | 'add' | 'vectors';
  };
  'norm-backward': {
    entries: 'norm_backward' | 'norm_backward_lane' | 'weight_gradient_lane';
    bindings: 'dy' | 'x' | 'weight' | 'inverse_rms' | 'dx' | 'partial';
    arguments: 'rows' | 'width' | 'chunk';
    overrides: 'team' | 'gated' | 'with_weight' | 'add';
  };
  'pack-ternary': {
    entries: 'pack_ternary';
    bindings: 'w' | 'y';
    arguments: 'outputs' | 'channels' | 'inputs' | 'first' | 'row' | 'firstWord' | 'words';
    overrides: 'halves';
  };
  'permute-parts': {
    entries: 'permute';
    bindings: 'x' | 'y';
    arguments: 'count' | 'size1' | 'size2' | 'size3' | 'size4' | 'stride0' | 'stride1' | 'stride2' | 'stride3' | 'stride4';
    overrides: 'per_word';
  };
  'permute-tiles': {
    entries: 'permute_tiles';
    bindings: 'x' | 'y';
    arguments: 'tiles' | 'rows' | 'columns' | 'rowTiles' | 'columnTiles' | 'size1' | 'size2' | 'xStride' | 'xStride0' | 'xStride1' | 'xStride2' | 'yStride' | 'yStride0' | 'yStride1' | 'yStride2';
    overrides: never;
  };
  'permute-vec4': {
    entries: 'permute';
    bindings: 'x' | 'y';
    arguments: 'count' | 'size1' | 'size2' | 'size3' | 'size4' | 'stride0' | 'stride1' | 'stride2' | 'stride3' | 'stride4';
    overrides: never;
  };
  'permute': {
    entries: 'permute';
    bindings: 'x' | 'y';
    arguments: 'count' | 'size1' | 'size2' | 'size3' | 'size4' | 'stride0' | 'stride1' | 'stride2' | 'stride3' | 'stride4';
    overrides: never;
  };
  'product-sum': {
    entries: 'sum';
    bindings: 'partial' | 'scale' | 'scales' | 'add' | 'y';
    arguments: 'lists' | 'outputs' | 'padded' | 'parts';
    overrides: 'whole' | 'with_scales' | 'with_add';
  };
  'random': {
    entries: 'random_uniform' | 'random_normal';
    bindings: 'into' | 'state';
    arguments: 'count' | 'firstBlock' | 'factor';
    overrides: never;
  };
  'reduce-last': {
    entries: 'reduce_last' | 'reduce_last_lane';
    bindings: 'x' | 'y';
    arguments: 'rows' | 'width' | 'piece' | 'pieces' | 'divisor';
    overrides: 'team' | 'largest' | 'magnitudes';
  };
  'reduce-leading': {
    entries: 'reduce_leading';
    bindings: 'x' | 'y';
    arguments: 'rows' | 'width' | 'piece' | 'count' | 'divisor';
    overrides: 'largest' | 'add';
  };
  'rope': {
    entries: 'rope';
    bindings: 'x' | 'table' | 'position' | 'y';
    arguments: 'pairs' | 'half' | 'heads' | 'tokens' | 'length' | 'first' | 'sign' | 'places' | 'pairsOfRow';
    overrides: 'interleaved';
  };
  'rotary-heads-backward': {
    entries: 'rotary_heads_backward';
    bindings: 'query' | 'key' | 'value' | 'table' | 'position' | 'dx';
    arguments: 'pairs' | 'half' | 'heads' | 'groups' | 'tokens' | 'length' | 'places' | 'first';
    overrides: never;
  };
  'rotary-heads': {
    entries: 'rotary_heads';
    bindings: 'x' | 'table' | 'position' | 'query' | 'key' | 'value';
    arguments: 'pairs' | 'half' | 'heads' | 'groups' | 'tokens' | 'length' | 'places' | 'first';
    overrides: never;
  };
  'sample': {
    entries: 'sample';
    bindings: 'logits' | 'random' | 'kept' | 'y';
    arguments: 'rows' | 'width' | 'firstRow' | 'topK' | 'temperature' | 'topP';
    overrides: 'team';
  };
  'scale-vec4': {
    entries: 'scale';
    bindings: 'x' | 'y';
    arguments: 'count' | 'factor';
    overrides: never;
  };
  'scale': {
    entries: 'scale';
    bindings: 'x' | 'y';
    arguments: 'count' | 'factor';
    overrides: never;
  };
  'softmax-backward': {
    entries: 'team_row' | 'single_row';
    bindings: 'y' | 'dy' | 'dx';
    arguments: 'rows' | 'width';
    overrides: 'team';
  };
  'softmax': {
    entries: 'team_row' | 'single_row';
    bindings: 'x' | 'position' | 'first' | 'y';
    arguments: 'rows' | 'width' | 'firstRow' | 'queries' | 'rowsOfBatch' | 'window' | 'places';
    overrides: 'team' | 'causal';
  };
  'sparse-gemv-vec4': {
    entries: 'sparse_gemv';
    bindings: 'indices' | 'values' | 'count' | 'w' | 'scales' | 'add' | 'y';
    arguments: 'workgroups' | 'tiles' | 'splits' | 'lists' | 'keep' | 'inputs' | 'first' | 'channels' | 'units' | 'firstPart';
    overrides: 'lanes' | 'slots' | 'staged' | 'finish' | 'with_scales' | 'with_add' | 'bits' | 'parts';
  };
  'sparse-gemv': {
    entries: 'sparse_gemv';
    bindings: 'indices' | 'values' | 'count' | 'w' | 'scales' | 'add' | 'y';
    arguments: 'workgroups' | 'tiles' | 'splits' | 'lists' | 'keep' | 'inputs' | 'first' | 'channels' | 'units' | 'firstPart';
    overrides: 'lanes' | 'slots' | 'staged' | 'finish' | 'with_scales' | 'with_add' | 'bits' | 'parts';
  };
  'sparsify-blocks': {
    entries: 'sparsify_blocks';
    bindings: 'h' | 'row_largest' | 'y';
    arguments: 'count' | 'width' | 'block' | 'keep';
    overrides: 'gated' | 'with_norm' | 'with_weight' | 'output' | 'parts_of_rows';
  };
  'sparsify-lane': {
    entries: 'sparsify_lane';
    bindings: 'x' | 'weight' | 'y' | 'inverse_rms';
    arguments: 'rows' | 'width' | 'keep' | 'epsilon';
    overrides: 'gated' | 'with_norm' | 'with_weight' | 'output' | 'parts_of_rows';
  };
  'sparsify-list-subgroups': {
    entries: 'sparsify_list';
    bindings: 'x' | 'weight' | 'indices' | 'values' | 'count' | 'scale';
    arguments: 'rows' | 'width' | 'keep' | 'epsilon';
    overrides: 'team' | 'smallest_subgroup' | 'gated' | 'with_norm' | 'with_weight' | 'output' | 'parts_of_rows' | 'vectors';
  };
  'sparsify-list': {
    entries: 'sparsify_list';
    bindings: 'x' | 'weight' | 'indices' | 'values' | 'count' | 'scale';
    arguments: 'rows' | 'width' | 'keep' | 'epsilon';
    overrides: 'team' | 'gated' | 'with_norm' | 'with_weight' | 'output' | 'parts_of_rows' | 'vectors';
  };
  'sparsify-subgroups': {
    entries: 'sparsify';
    bindings: 'x' | 'weight' | 'y' | 'inverse_rms';
    arguments: 'rows' | 'width' | 'keep' | 'epsilon';
    overrides: 'team' | 'smallest_subgroup' | 'gated' | 'with_norm' | 'with_weight' | 'output' | 'parts_of_rows' | 'vectors';
  };
  'sparsify-vec4': {
    entries: 'sparsify';
    bindings: 'x' | 'weight' | 'y' | 'inverse_rms';
    arguments: 'rows' | 'width' | 'keep' | 'epsilon';
    overrides: 'team' | 'gated' | 'with_norm' | 'with_weight' | 'output' | 'parts_of_rows' | 'vectors';
  };
  'sparsify': {
    entries: 'sparsify' | 'sparsify_lane';
    bindings: 'x' | 'weight' | 'y' | 'inverse_rms' | 'row_largest';
    arguments: 'rows' | 'width' | 'keep' | 'parts' | 'epsilon';
    overrides: 'team' | 'gated' | 'with_norm' | 'with_weight' | 'output' | 'parts_of_rows';
  };
  'ternarize': {
    entries: 'ternary_scale' | 'ternarize';
    bindings: 'alpha' | 'sum' | 'w' | 'y';
    arguments: 'count';
    overrides: never;
  };
  'ternary-gemv-dot8': {
    entries: 'ternary_gemv';
    bindings: 'indices' | 'values' | 'count' | 'scale' | 'w' | 'scales' | 'add' | 'y';
    arguments: 'workgroups' | 'tiles' | 'splits' | 'lists' | 'keep' | 'inputs' | 'first' | 'channels' | 'units' | 'outputs' | 'firstPart';
    overrides: 'lanes' | 'slots' | 'staged' | 'finish' | 'with_scales' | 'with_add' | 'unaligned';
  };
  'ternary-gemv': {
    entries: 'ternary_gemv';
    bindings: 'indices' | 'values' | 'count' | 'scale' | 'w' | 'scales' | 'add' | 'y';
    arguments: 'workgroups' | 'tiles' | 'splits' | 'lists' | 'keep' | 'inputs' | 'first' | 'channels' | 'units' | 'outputs' | 'firstPart';
    overrides: 'lanes' | 'slots' | 'staged' | 'finish' | 'with_scales' | 'with_add' | 'unaligned';
  };
  'unary-backward-vec4': {
    entries: 'unary_backward';
    bindings: 'x' | 'dy' | 'dx';
    arguments: 'count';
    overrides: 'kind';
  };
  'unary-backward': {
    entries: 'unary_backward';
    bindings: 'x' | 'dy' | 'dx';
    arguments: 'count';
    overrides: 'kind';
  };
  'unary-vec4': {
    entries: 'unary';
    bindings: 'x' | 'y';
    arguments: 'count';
    overrides: 'kind';
  };
  'unary': {
    entries: 'unary';
    bindings: 'x' | 'y';
    arguments: 'count';
    overrides: 'kind';
  };
}

export const MODULES: { readonly [M in keyof Modules]: ModuleData } = {
  'accumulate-vec4': {
    uniform: 0,
    bindings: [
      { name: 'into', index: 1, writes: true, unit: 16 },
      { name: 'x', index: 2, writes: false, unit: 16 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'intoAt', type: 'u32', view: 'into' },
      { name: 'xAt', type: 'u32', view: 'x' },
    ],
    overrides: [],
    source: FLAT + "//:3\nstruct Arguments {\ncount: u32,\ninto_at: u32,\nx_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read_write> into: array<vec4f>;\n@group(0) @binding(2) var<storage, read> x: array<vec4f>;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn accumulate(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.count) {\nreturn;\n}\ninto[arguments.into_at + i] += x[arguments.x_at + i];\n}\n",
  },
  'accumulate': {
    uniform: 0,
    bindings: [
      { name: 'into', index: 1, writes: true, unit: 4 },
      { name: 'x', index: 2, writes: false, unit: 4 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'intoAt', type: 'u32', view: 'into' },
      { name: 'xAt', type: 'u32', view: 'x' },
    ],
    overrides: [],
    source: FLAT + "//:3\nstruct Arguments {\ncount: u32,\ninto_at: u32,\nx_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read_write> into: array<f32>;\n@group(0) @binding(2) var<storage, read> x: array<f32>;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn accumulate(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.count) {\nreturn;\n}\ninto[arguments.into_at + i] += x[arguments.x_at + i];\n}\n",
  },
  'adamw-vec4': {
    uniform: 0,
    bindings: [
      { name: 'value', index: 1, writes: true, unit: 16 },
      { name: 'm', index: 2, writes: true, unit: 16 },
      { name: 'v', index: 3, writes: true, unit: 16 },
      { name: 'grad', index: 4, writes: false, unit: 16 },
      { name: 'norm', index: 5, writes: false, unit: 4 },
      { name: 'hyper', index: 6, writes: false, unit: 4 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'decay', type: 'u32' },
      { name: 'beta1', type: 'f32' },
      { name: 'rest1', type: 'f32' },
      { name: 'beta2', type: 'f32' },
      { name: 'rest2', type: 'f32' },
      { name: 'epsilon', type: 'f32' },
      { name: 'valueAt', type: 'u32', view: 'value' },
      { name: 'mAt', type: 'u32', view: 'm' },
      { name: 'vAt', type: 'u32', view: 'v' },
      { name: 'gradAt', type: 'u32', view: 'grad' },
      { name: 'normAt', type: 'u32', view: 'norm' },
      { name: 'hyperAt', type: 'u32', view: 'hyper' },
    ],
    overrides: [],
    source: FLAT + BITS + ADAMW_STEP + "//:5\nstruct Arguments {\ncount: u32,\ndecay: u32,\nbeta1: f32,\nrest1: f32,\nbeta2: f32,\nrest2: f32,\nepsilon: f32,\nvalue_at: u32,\nm_at: u32,\nv_at: u32,\ngrad_at: u32,\nnorm_at: u32,\nhyper_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read_write> value: array<vec4f>;\n@group(0) @binding(2) var<storage, read_write> m: array<vec4f>;\n@group(0) @binding(3) var<storage, read_write> v: array<vec4f>;\n@group(0) @binding(4) var<storage, read> grad: array<vec4f>;\n@group(0) @binding(5) var<storage, read> norm: array<f32>;\n@group(0) @binding(6) var<storage, read> hyper: array<f32>;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn adamw(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.count) {\nreturn;\n}\nlet all = factors();\nif (!all.finite) {\nreturn;\n}\nlet g = grad[arguments.grad_at + i] * all.clip;\nlet first = arguments.beta1 * m[arguments.m_at + i] + arguments.rest1 * g;\nlet second = arguments.beta2 * v[arguments.v_at + i] + arguments.rest2 * g * g;\nm[arguments.m_at + i] = first;\nv[arguments.v_at + i] = second;\nlet size = sqrt(second / all.correction2) + arguments.epsilon;\nvalue[arguments.value_at + i] = value[arguments.value_at + i] * all.kept - all.rate * (first / all.correction1) / size;\n}\n",
  },
  'adamw': {
    uniform: 0,
    bindings: [
      { name: 'value', index: 1, writes: true, unit: 4 },
      { name: 'm', index: 2, writes: true, unit: 4 },
      { name: 'v', index: 3, writes: true, unit: 4 },
      { name: 'grad', index: 4, writes: false, unit: 4 },
      { name: 'norm', index: 5, writes: false, unit: 4 },
      { name: 'hyper', index: 6, writes: false, unit: 4 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'decay', type: 'u32' },
      { name: 'beta1', type: 'f32' },
      { name: 'rest1', type: 'f32' },
      { name: 'beta2', type: 'f32' },
      { name: 'rest2', type: 'f32' },
      { name: 'epsilon', type: 'f32' },
      { name: 'valueAt', type: 'u32', view: 'value' },
      { name: 'mAt', type: 'u32', view: 'm' },
      { name: 'vAt', type: 'u32', view: 'v' },
      { name: 'gradAt', type: 'u32', view: 'grad' },
      { name: 'normAt', type: 'u32', view: 'norm' },
      { name: 'hyperAt', type: 'u32', view: 'hyper' },
    ],
    overrides: [],
    source: FLAT + BITS + ADAMW_STEP + "//:5\nstruct Arguments {\ncount: u32,\ndecay: u32,\nbeta1: f32,\nrest1: f32,\nbeta2: f32,\nrest2: f32,\nepsilon: f32,\nvalue_at: u32,\nm_at: u32,\nv_at: u32,\ngrad_at: u32,\nnorm_at: u32,\nhyper_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read_write> value: array<f32>;\n@group(0) @binding(2) var<storage, read_write> m: array<f32>;\n@group(0) @binding(3) var<storage, read_write> v: array<f32>;\n@group(0) @binding(4) var<storage, read> grad: array<f32>;\n@group(0) @binding(5) var<storage, read> norm: array<f32>;\n@group(0) @binding(6) var<storage, read> hyper: array<f32>;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn adamw(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.count) {\nreturn;\n}\nlet all = factors();\nif (!all.finite) {\nreturn;\n}\nlet g = grad[arguments.grad_at + i] * all.clip;\nlet first = arguments.beta1 * m[arguments.m_at + i] + arguments.rest1 * g;\nlet second = arguments.beta2 * v[arguments.v_at + i] + arguments.rest2 * g * g;\nm[arguments.m_at + i] = first;\nv[arguments.v_at + i] = second;\nlet size = sqrt(second / all.correction2) + arguments.epsilon;\nvalue[arguments.value_at + i] = value[arguments.value_at + i] * all.kept - all.rate * (first / all.correction1) / size;\n}\n",
  },
  'argmax': {
    uniform: 0,
    bindings: [
      { name: 'x', index: 1, writes: false, unit: 4 },
      { name: 'y', index: 2, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'rows', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: ['team'],
    source: ROWS + BITS + "//:4\nstruct Arguments {\nrows: u32,\nwidth: u32,\nx_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> x: array<f32>;\n@group(0) @binding(2) var<storage, read_write> y: array<u32>;\n\n@compute @workgroup_size(team)\nfn argmax(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet row = group.x + group.y * groups.x;\nif (row >= arguments.rows) {\nreturn;\n}\nlet at = arguments.x_at + row * arguments.width;\nvar best = 0u;\nvar place = 0u;\nfor (var i = lane; i < arguments.width; i += team) {\nlet value = x[at + i];\n\nlet order = select(order_of(value), 0x80000000u, magnitude_of(value) == 0u);\nif (order > best) {\nbest = order;\nplace = i;\n}\n}\nlet largest = team_largest(best, lane);\n\nlet lowest = arguments.width - team_largest(select(0u, arguments.width - place, best == largest), lane);\nif (lane == 0u) {\ny[arguments.y_at + row] = lowest;\n}\n}\n",
  },
  'attention-merge': {
    uniform: 0,
    bindings: [
      { name: 'parts', index: 1, writes: false, unit: 4 },
      { name: 'y', index: 2, writes: true, unit: 4 },
      { name: 'log_sum_exp', index: 3, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'elements', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'paddedWidth', type: 'u32' },
      { name: 'rows', type: 'u32' },
      { name: 'splits', type: 'u32' },
      { name: 'sumsBegin', type: 'u32' },
      { name: 'yAt', type: 'u32', view: 'y' },
      { name: 'logSumExpAt', type: 'u32', view: 'log_sum_exp' },
    ],
    overrides: [],
    source: BITS + EXPONENTIALS + FLAT + "//:4\nstruct Arguments {\nelements: u32,\nwidth: u32,\npadded_width: u32,\nrows: u32,\nsplits: u32,\nsums_begin: u32,\ny_at: u32,\nlog_sum_exp_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> parts: array<f32>;\n@group(0) @binding(2) var<storage, read_write> y: array<f32>;\n@group(0) @binding(3) var<storage, read_write> log_sum_exp: array<f32>;\n\n\nconst NOTHING = -2.9e38;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn merge(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.elements) {\nreturn;\n}\nlet row = i / arguments.width;\nlet column = i % arguments.width;\nvar largest = -3.0e38;\nfor (var split = 0u; split < arguments.splits; split++) {\nlargest = max(largest, parts[arguments.sums_begin + (split * arguments.rows + row) * 2u]);\n}\nvar sum = 0.0;\nvar result = 0.0;\nfor (var split = 0u; split < arguments.splits; split++) {\nlet at = split * arguments.rows + row;\nlet factor = exp_of(parts[arguments.sums_begin + at * 2u] - largest);\nsum += factor * parts[arguments.sums_begin + at * 2u + 1u];\nresult += factor * parts[at * arguments.padded_width + column];\n}\n\nlet sees = largest > NOTHING || !(sum == 0.0);\ny[arguments.y_at + i] = select(0.0, result / sum, sees);\nif (column == 0u) {\nlog_sum_exp[arguments.log_sum_exp_at + row] = select(0.0, largest, sees) + log_of(sum);\n}\n}\n",
  },
  'attention-mix-vec4': {
    uniform: 0,
    bindings: [
      { name: 'weights', index: 1, writes: false, unit: 16 },
      { name: 'x', index: 2, writes: false, unit: 16 },
      { name: 'position', index: 3, writes: false, unit: 4 },
      { name: 'first', index: 4, writes: false, unit: 4 },
      { name: 'y', index: 5, writes: true, unit: 16 },
    ],
    fields: [
      { name: 'blocks', type: 'u32' },
      { name: 'queries', type: 'u32' },
      { name: 'keys', type: 'u32' },
      { name: 'heads', type: 'u32' },
      { name: 'groups', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'paddedQueries', type: 'u32' },
      { name: 'paddedKeys', type: 'u32' },
      { name: 'firstGroup', type: 'u32' },
      { name: 'weightsBegin', type: 'u32' },
      { name: 'window', type: 'i32' },
      { name: 'places', type: 'u32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'positionAt', type: 'u32', view: 'position' },
      { name: 'firstAt', type: 'u32', view: 'first' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: [],
    source: PLACES + ATTENTION_SEEN + FLAT + ATTENTION_MIX_BLOCKS + "//:3\nstruct Arguments {\n\nblocks: u32,\nqueries: u32,\nkeys: u32,\nheads: u32,\ngroups: u32,\nwidth: u32,\n\npadded_queries: u32,\npadded_keys: u32,\n\nfirst_group: u32,\n\nweights_begin: u32,\nwindow: i32,\n\nplaces: u32,\nx_at: u32,\nposition_at: u32,\nfirst_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> weights: array<vec4f>;\n@group(0) @binding(2) var<storage, read> x: array<vec4f>;\n@group(0) @binding(3) var<storage, read> position: array<i32>;\n@group(0) @binding(4) var<storage, read> first: array<i32>;\n@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;\n\nfn load_x(row: u32, d: u32) -> vec4f {\nreturn x[arguments.x_at + (row * arguments.width + d) / 4u];\n}\n\nfn store_y(row: u32, d: u32, values: vec4f) {\ny[arguments.y_at + (row * arguments.width + d) / 4u] = values;\n}\n\n@compute @workgroup_size(FLAT_THREADS)\nfn mix_keys(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nwrite_sums_of_keys(flat_index(group, groups, lane));\n}\n\n@compute @workgroup_size(FLAT_THREADS)\nfn mix_queries(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nwrite_sums_of_queries(flat_index(group, groups, lane));\n}\n",
  },
  'attention-mix': {
    uniform: 0,
    bindings: [
      { name: 'weights', index: 1, writes: false, unit: 16 },
      { name: 'x', index: 2, writes: false, unit: 4 },
      { name: 'position', index: 3, writes: false, unit: 4 },
      { name: 'first', index: 4, writes: false, unit: 4 },
      { name: 'y', index: 5, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'blocks', type: 'u32' },
      { name: 'queries', type: 'u32' },
      { name: 'keys', type: 'u32' },
      { name: 'heads', type: 'u32' },
      { name: 'groups', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'paddedQueries', type: 'u32' },
      { name: 'paddedKeys', type: 'u32' },
      { name: 'firstGroup', type: 'u32' },
      { name: 'weightsBegin', type: 'u32' },
      { name: 'window', type: 'i32' },
      { name: 'places', type: 'u32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'positionAt', type: 'u32', view: 'position' },
      { name: 'firstAt', type: 'u32', view: 'first' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: [],
    source: PLACES + ATTENTION_SEEN + FLAT + ATTENTION_MIX_BLOCKS + "//:3\nstruct Arguments {\n\nblocks: u32,\nqueries: u32,\nkeys: u32,\nheads: u32,\ngroups: u32,\nwidth: u32,\n\npadded_queries: u32,\npadded_keys: u32,\n\nfirst_group: u32,\n\nweights_begin: u32,\nwindow: i32,\n\nplaces: u32,\nx_at: u32,\nposition_at: u32,\nfirst_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> weights: array<vec4f>;\n@group(0) @binding(2) var<storage, read> x: array<f32>;\n@group(0) @binding(3) var<storage, read> position: array<i32>;\n@group(0) @binding(4) var<storage, read> first: array<i32>;\n@group(0) @binding(5) var<storage, read_write> y: array<f32>;\n\nfn load_x(row: u32, d: u32) -> vec4f {\nlet at = arguments.x_at + row * arguments.width + d;\nif (d + 3u < arguments.width) {\nreturn vec4f(x[at], x[at + 1u], x[at + 2u], x[at + 3u]);\n}\nvar values = vec4f(x[at], 0.0, 0.0, 0.0);\nif (d + 1u < arguments.width) {\nvalues.y = x[at + 1u];\n}\nif (d + 2u < arguments.width) {\nvalues.z = x[at + 2u];\n}\nreturn values;\n}\n\nfn store_y(row: u32, d: u32, values: vec4f) {\nfor (var i = 0u; i < 4u && d + i < arguments.width; i++) {\ny[arguments.y_at + row * arguments.width + d + i] = values[i];\n}\n}\n\n@compute @workgroup_size(FLAT_THREADS)\nfn mix_keys(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nwrite_sums_of_keys(flat_index(group, groups, lane));\n}\n\n@compute @workgroup_size(FLAT_THREADS)\nfn mix_queries(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nwrite_sums_of_queries(flat_index(group, groups, lane));\n}\n",
  },
  'attention-rows': {
    uniform: 0,
    bindings: [
      { name: 'dy', index: 1, writes: false, unit: 4 },
      { name: 'y', index: 2, writes: false, unit: 4 },
      { name: 'given', index: 3, writes: false, unit: 4 },
      { name: 'position', index: 4, writes: false, unit: 4 },
      { name: 'first', index: 5, writes: false, unit: 4 },
      { name: 'weights', index: 6, writes: true, unit: 4 },
      { name: 'log_sum_exp', index: 7, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'queries', type: 'u32' },
      { name: 'keys', type: 'u32' },
      { name: 'heads', type: 'u32' },
      { name: 'groups', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'paddedQueries', type: 'u32' },
      { name: 'paddedKeys', type: 'u32' },
      { name: 'firstGroup', type: 'u32' },
      { name: 'window', type: 'i32' },
      { name: 'places', type: 'u32' },
      { name: 'dyAt', type: 'u32', view: 'dy' },
      { name: 'yAt', type: 'u32', view: 'y' },
      { name: 'givenAt', type: 'u32', view: 'given' },
      { name: 'positionAt', type: 'u32', view: 'position' },
      { name: 'firstAt', type: 'u32', view: 'first' },
      { name: 'logSumExpAt', type: 'u32', view: 'log_sum_exp' },
    ],
    overrides: [],
    source: PLACES + ATTENTION_SEEN + BITS + EXPONENTIALS + FLAT + "//:5\nstruct Arguments {\n\ncount: u32,\nqueries: u32,\nkeys: u32,\nheads: u32,\ngroups: u32,\nwidth: u32,\n\npadded_queries: u32,\npadded_keys: u32,\n\nfirst_group: u32,\nwindow: i32,\n\nplaces: u32,\ndy_at: u32,\ny_at: u32,\ngiven_at: u32,\nposition_at: u32,\nfirst_at: u32,\nlog_sum_exp_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> dy: array<f32>;\n@group(0) @binding(2) var<storage, read> y: array<f32>;\n@group(0) @binding(3) var<storage, read> given: array<f32>;\n@group(0) @binding(4) var<storage, read> position: array<i32>;\n@group(0) @binding(5) var<storage, read> first: array<i32>;\n@group(0) @binding(6) var<storage, read_write> weights: array<f32>;\n@group(0) @binding(7) var<storage, read_write> log_sum_exp: array<f32>;\n\n\nconst TERMS = 64;\n\n\n@compute @workgroup_size(FLAT_THREADS)\nfn weights_of_scores(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet index = flat_index(group, groups, lane);\nif (index >= arguments.count) {\nreturn;\n}\nlet pair = index / arguments.padded_queries;\nlet t = index % arguments.padded_queries;\nlet ratio = arguments.heads / arguments.groups;\nlet group_number = arguments.first_group + pair / ratio;\nlet batch = group_number / arguments.groups;\nlet head = group_number % arguments.groups * ratio + pair % ratio;\nlet seen = seen_of(batch, t);\nlet at = index * arguments.padded_keys;\nlet padded = i32(arguments.padded_keys);\nlet begin = min(seen.begin, padded);\nlet end = max(begin, seen.end);\nvar highest = 0u;\nfor (var j = begin; j < end; j++) {\nhighest = max(highest, order_of(weights[at + u32(j)]));\n}\nlet largest = from_order(highest);\nvar sum = 0.0;\nfor (var block = begin; block < end; block += TERMS) {\nvar part = 0.0;\nfor (var j = block; j < min(end, block + TERMS); j++) {\nlet weight = exp_of(weights[at + u32(j)] - largest);\nweights[at + u32(j)] = weight;\npart += weight;\n}\nsum += part;\n}\nfor (var j = 0; j < begin; j++) {\nweights[at + u32(j)] = 0.0;\n}\nfor (var j = begin; j < end; j++) {\nweights[at + u32(j)] = weights[at + u32(j)] / sum;\n}\nfor (var j = end; j < padded; j++) {\nweights[at + u32(j)] = 0.0;\n}\nif (t < arguments.queries) {\nvar result = log_of(sum);\nif (begin < end) {\nresult += largest;\n}\nlog_sum_exp[arguments.log_sum_exp_at + (batch * arguments.queries + t) * arguments.heads + head] = result;\n}\n}\n\n\n@compute @workgroup_size(FLAT_THREADS)\nfn rows_of_gradient(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet row = flat_index(group, groups, lane);\nif (row >= arguments.count) {\nreturn;\n}\nvar sum = 0.0;\nfor (var d = row * arguments.width; d < (row + 1u) * arguments.width; d++) {\nsum += dy[arguments.dy_at + d] * y[arguments.y_at + d];\n}\nlet t = row / arguments.heads;\nlet seen = seen_of(t / arguments.queries, t % arguments.queries);\nweights[4u * row] = given[arguments.given_at + row];\nweights[4u * row + 1u] = sum;\nweights[4u * row + 2u] = f32(seen.begin);\nweights[4u * row + 3u] = f32(seen.end);\n}\n",
  },
  'attention-scores-vec4': {
    uniform: 0,
    bindings: [
      { name: 'q', index: 1, writes: false, unit: 16 },
      { name: 'k', index: 2, writes: false, unit: 16 },
      { name: 'dy', index: 3, writes: false, unit: 16 },
      { name: 'v', index: 4, writes: false, unit: 16 },
      { name: 'rows', index: 5, writes: false, unit: 4 },
      { name: 'position', index: 6, writes: false, unit: 4 },
      { name: 'first', index: 7, writes: false, unit: 4 },
      { name: 'weights', index: 8, writes: true, unit: 16 },
    ],
    fields: [
      { name: 'blocks', type: 'u32' },
      { name: 'queries', type: 'u32' },
      { name: 'keys', type: 'u32' },
      { name: 'heads', type: 'u32' },
      { name: 'groups', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'paddedQueries', type: 'u32' },
      { name: 'paddedKeys', type: 'u32' },
      { name: 'firstGroup', type: 'u32' },
      { name: 'gradients', type: 'u32' },
      { name: 'window', type: 'i32' },
      { name: 'places', type: 'u32' },
      { name: 'scale', type: 'f32' },
      { name: 'qAt', type: 'u32', view: 'q' },
      { name: 'kAt', type: 'u32', view: 'k' },
      { name: 'dyAt', type: 'u32', view: 'dy' },
      { name: 'vAt', type: 'u32', view: 'v' },
      { name: 'rowsAt', type: 'u32', view: 'rows' },
      { name: 'positionAt', type: 'u32', view: 'position' },
      { name: 'firstAt', type: 'u32', view: 'first' },
    ],
    overrides: [],
    source: ATTENTION_LOAD_VEC4 + PLACES + ATTENTION_SEEN + BITS + EXPONENTIALS + FLAT + ATTENTION_SCORE_BLOCKS + "//:4\nstruct Arguments {\n\nblocks: u32,\nqueries: u32,\nkeys: u32,\nheads: u32,\ngroups: u32,\nwidth: u32,\n\npadded_queries: u32,\npadded_keys: u32,\n\nfirst_group: u32,\n\ngradients: u32,\nwindow: i32,\n\nplaces: u32,\nscale: f32,\nq_at: u32,\nk_at: u32,\ndy_at: u32,\nv_at: u32,\nrows_at: u32,\nposition_at: u32,\nfirst_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> q: array<vec4f>;\n@group(0) @binding(2) var<storage, read> k: array<vec4f>;\n@group(0) @binding(3) var<storage, read> dy: array<vec4f>;\n@group(0) @binding(4) var<storage, read> v: array<vec4f>;\n\n@group(0) @binding(5) var<storage, read> rows: array<f32>;\n@group(0) @binding(6) var<storage, read> position: array<i32>;\n@group(0) @binding(7) var<storage, read> first: array<i32>;\n@group(0) @binding(8) var<storage, read_write> weights: array<vec4f>;\n\nfn load_dy(row: u32, d: u32) -> vec4f {\nreturn dy[arguments.dy_at + (row * arguments.width + d) / 4u];\n}\n\n@compute @workgroup_size(FLAT_THREADS)\nfn scores(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nwrite_scores(flat_index(group, groups, lane));\n}\n\n@compute @workgroup_size(FLAT_THREADS)\nfn gradients(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nwrite_weights_and_gradients(flat_index(group, groups, lane));\n}\n",
  },
  'attention-scores': {
    uniform: 0,
    bindings: [
      { name: 'q', index: 1, writes: false, unit: 4 },
      { name: 'k', index: 2, writes: false, unit: 4 },
      { name: 'dy', index: 3, writes: false, unit: 4 },
      { name: 'v', index: 4, writes: false, unit: 4 },
      { name: 'rows', index: 5, writes: false, unit: 4 },
      { name: 'position', index: 6, writes: false, unit: 4 },
      { name: 'first', index: 7, writes: false, unit: 4 },
      { name: 'weights', index: 8, writes: true, unit: 16 },
    ],
    fields: [
      { name: 'blocks', type: 'u32' },
      { name: 'queries', type: 'u32' },
      { name: 'keys', type: 'u32' },
      { name: 'heads', type: 'u32' },
      { name: 'groups', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'paddedQueries', type: 'u32' },
      { name: 'paddedKeys', type: 'u32' },
      { name: 'firstGroup', type: 'u32' },
      { name: 'gradients', type: 'u32' },
      { name: 'window', type: 'i32' },
      { name: 'places', type: 'u32' },
      { name: 'scale', type: 'f32' },
      { name: 'qAt', type: 'u32', view: 'q' },
      { name: 'kAt', type: 'u32', view: 'k' },
      { name: 'dyAt', type: 'u32', view: 'dy' },
      { name: 'vAt', type: 'u32', view: 'v' },
      { name: 'rowsAt', type: 'u32', view: 'rows' },
      { name: 'positionAt', type: 'u32', view: 'position' },
      { name: 'firstAt', type: 'u32', view: 'first' },
    ],
    overrides: [],
    source: ATTENTION_LOAD + PLACES + ATTENTION_SEEN + BITS + EXPONENTIALS + FLAT + ATTENTION_SCORE_BLOCKS + "//:4\nstruct Arguments {\n\nblocks: u32,\nqueries: u32,\nkeys: u32,\nheads: u32,\ngroups: u32,\nwidth: u32,\n\npadded_queries: u32,\npadded_keys: u32,\n\nfirst_group: u32,\n\ngradients: u32,\nwindow: i32,\n\nplaces: u32,\nscale: f32,\nq_at: u32,\nk_at: u32,\ndy_at: u32,\nv_at: u32,\nrows_at: u32,\nposition_at: u32,\nfirst_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> q: array<f32>;\n@group(0) @binding(2) var<storage, read> k: array<f32>;\n@group(0) @binding(3) var<storage, read> dy: array<f32>;\n@group(0) @binding(4) var<storage, read> v: array<f32>;\n\n@group(0) @binding(5) var<storage, read> rows: array<f32>;\n@group(0) @binding(6) var<storage, read> position: array<i32>;\n@group(0) @binding(7) var<storage, read> first: array<i32>;\n@group(0) @binding(8) var<storage, read_write> weights: array<vec4f>;\n\nfn load_dy(row: u32, d: u32) -> vec4f {\nlet at = arguments.dy_at + row * arguments.width + d;\nif (d + 3u < arguments.width) {\nreturn vec4f(dy[at], dy[at + 1u], dy[at + 2u], dy[at + 3u]);\n}\nvar values = vec4f(dy[at], 0.0, 0.0, 0.0);\nif (d + 1u < arguments.width) {\nvalues.y = dy[at + 1u];\n}\nif (d + 2u < arguments.width) {\nvalues.z = dy[at + 2u];\n}\nreturn values;\n}\n\n@compute @workgroup_size(FLAT_THREADS)\nfn scores(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nwrite_scores(flat_index(group, groups, lane));\n}\n\n@compute @workgroup_size(FLAT_THREADS)\nfn gradients(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nwrite_weights_and_gradients(flat_index(group, groups, lane));\n}\n",
  },
  'attention-tiles-backward-vec4': {
    uniform: 0,
    bindings: [
      { name: 'q', index: 1, writes: false, unit: 16 },
      { name: 'k', index: 2, writes: false, unit: 16 },
      { name: 'v', index: 3, writes: false, unit: 16 },
      { name: 'dy', index: 4, writes: false, unit: 16 },
      { name: 'rows', index: 5, writes: false, unit: 16 },
      { name: 'dx', index: 6, writes: true, unit: 16 },
      { name: 'dv', index: 7, writes: true, unit: 16 },
    ],
    fields: [
      { name: 'workgroups', type: 'u32' },
      { name: 'queries', type: 'u32' },
      { name: 'keys', type: 'u32' },
      { name: 'heads', type: 'u32' },
      { name: 'groups', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'rowTiles', type: 'u32' },
      { name: 'keyTiles', type: 'u32' },
      { name: 'columnTiles', type: 'u32' },
      { name: 'places', type: 'u32' },
      { name: 'scale', type: 'f32' },
      { name: 'qAt', type: 'u32', view: 'q' },
      { name: 'kAt', type: 'u32', view: 'k' },
      { name: 'vAt', type: 'u32', view: 'v' },
      { name: 'dyAt', type: 'u32', view: 'dy' },
      { name: 'dxAt', type: 'u32', view: 'dx' },
      { name: 'dvAt', type: 'u32', view: 'dv' },
    ],
    overrides: [],
    source: ATTENTION_TILE + PLACES + BITS + EXPONENTIALS + ATTENTION_BACKWARD_TILES + ATTENTION_LOAD_VEC4 + "//:4\nstruct Arguments {\nworkgroups: u32,\nqueries: u32,\nkeys: u32,\nheads: u32,\ngroups: u32,\nwidth: u32,\nrow_tiles: u32,\nkey_tiles: u32,\ncolumn_tiles: u32,\n\nplaces: u32,\nscale: f32,\nq_at: u32,\nk_at: u32,\nv_at: u32,\ndy_at: u32,\ndx_at: u32,\ndv_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> q: array<vec4f>;\n@group(0) @binding(2) var<storage, read> k: array<vec4f>;\n@group(0) @binding(3) var<storage, read> v: array<vec4f>;\n@group(0) @binding(4) var<storage, read> dy: array<vec4f>;\n\n@group(0) @binding(5) var<storage, read> rows: array<vec4f>;\n\n@group(0) @binding(6) var<storage, read_write> dx: array<vec4f>;\n@group(0) @binding(7) var<storage, read_write> dv: array<vec4f>;\n\nfn load_dy(row: u32, d: u32) -> vec4f {\nreturn dy[arguments.dy_at + (row * arguments.width + d) / 4u];\n}\n\nfn store_dx(row: u32, d: u32, values: vec4f) {\ndx[arguments.dx_at + (row * arguments.width + d) / 4u] = values;\n}\n\nfn store_dv(row: u32, d: u32, values: vec4f) {\ndv[arguments.dv_at + (row * arguments.width + d) / 4u] = values;\n}\n\n@compute @workgroup_size(TILE_THREADS)\nfn keys(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\ngradients_of_keys(group.x + group.y * groups.x, lane);\n}\n\n@compute @workgroup_size(TILE_THREADS)\nfn queries(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\ngradients_of_queries(group.x + group.y * groups.x, lane);\n}\n",
  },
  'attention-tiles-backward': {
    uniform: 0,
    bindings: [
      { name: 'q', index: 1, writes: false, unit: 4 },
      { name: 'k', index: 2, writes: false, unit: 4 },
      { name: 'v', index: 3, writes: false, unit: 4 },
      { name: 'dy', index: 4, writes: false, unit: 4 },
      { name: 'rows', index: 5, writes: false, unit: 16 },
      { name: 'dx', index: 6, writes: true, unit: 4 },
      { name: 'dv', index: 7, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'workgroups', type: 'u32' },
      { name: 'queries', type: 'u32' },
      { name: 'keys', type: 'u32' },
      { name: 'heads', type: 'u32' },
      { name: 'groups', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'rowTiles', type: 'u32' },
      { name: 'keyTiles', type: 'u32' },
      { name: 'columnTiles', type: 'u32' },
      { name: 'places', type: 'u32' },
      { name: 'scale', type: 'f32' },
      { name: 'qAt', type: 'u32', view: 'q' },
      { name: 'kAt', type: 'u32', view: 'k' },
      { name: 'vAt', type: 'u32', view: 'v' },
      { name: 'dyAt', type: 'u32', view: 'dy' },
      { name: 'dxAt', type: 'u32', view: 'dx' },
      { name: 'dvAt', type: 'u32', view: 'dv' },
    ],
    overrides: [],
    source: ATTENTION_TILE + PLACES + BITS + EXPONENTIALS + ATTENTION_BACKWARD_TILES + ATTENTION_LOAD + "//:4\nstruct Arguments {\nworkgroups: u32,\nqueries: u32,\nkeys: u32,\nheads: u32,\ngroups: u32,\nwidth: u32,\nrow_tiles: u32,\nkey_tiles: u32,\ncolumn_tiles: u32,\n\nplaces: u32,\nscale: f32,\nq_at: u32,\nk_at: u32,\nv_at: u32,\ndy_at: u32,\ndx_at: u32,\ndv_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> q: array<f32>;\n@group(0) @binding(2) var<storage, read> k: array<f32>;\n@group(0) @binding(3) var<storage, read> v: array<f32>;\n@group(0) @binding(4) var<storage, read> dy: array<f32>;\n\n@group(0) @binding(5) var<storage, read> rows: array<vec4f>;\n\n@group(0) @binding(6) var<storage, read_write> dx: array<f32>;\n@group(0) @binding(7) var<storage, read_write> dv: array<f32>;\n\nfn load_dy(row: u32, d: u32) -> vec4f {\nlet at = arguments.dy_at + row * arguments.width + d;\nif (d + 3u < arguments.width) {\nreturn vec4f(dy[at], dy[at + 1u], dy[at + 2u], dy[at + 3u]);\n}\nvar values = vec4f(dy[at], 0.0, 0.0, 0.0);\nif (d + 1u < arguments.width) {\nvalues.y = dy[at + 1u];\n}\nif (d + 2u < arguments.width) {\nvalues.z = dy[at + 2u];\n}\nreturn values;\n}\n\nfn store_dx(row: u32, d: u32, values: vec4f) {\nfor (var i = 0u; i < 4u && d + i < arguments.width; i++) {\ndx[arguments.dx_at + row * arguments.width + d + i] = values[i];\n}\n}\n\nfn store_dv(row: u32, d: u32, values: vec4f) {\nfor (var i = 0u; i < 4u && d + i < arguments.width; i++) {\ndv[arguments.dv_at + row * arguments.width + d + i] = values[i];\n}\n}\n\n@compute @workgroup_size(TILE_THREADS)\nfn keys(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\ngradients_of_keys(group.x + group.y * groups.x, lane);\n}\n\n@compute @workgroup_size(TILE_THREADS)\nfn queries(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\ngradients_of_queries(group.x + group.y * groups.x, lane);\n}\n",
  },
  'attention-tiles-vec4': {
    uniform: 0,
    bindings: [
      { name: 'q', index: 1, writes: false, unit: 16 },
      { name: 'k', index: 2, writes: false, unit: 16 },
      { name: 'v', index: 3, writes: false, unit: 16 },
      { name: 'position', index: 4, writes: false, unit: 4 },
      { name: 'first', index: 5, writes: false, unit: 4 },
      { name: 'y', index: 6, writes: true, unit: 16 },
      { name: 'log_sum_exp', index: 7, writes: true, unit: 4 },
      { name: 'parts', index: 8, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'workgroups', type: 'u32' },
      { name: 'queries', type: 'u32' },
      { name: 'keys', type: 'u32' },
      { name: 'heads', type: 'u32' },
      { name: 'groups', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'rowTiles', type: 'u32' },
      { name: 'columnTiles', type: 'u32' },
      { name: 'splits', type: 'u32' },
      { name: 'keysOfSplit', type: 'u32' },
      { name: 'sumsBegin', type: 'u32' },
      { name: 'window', type: 'i32' },
      { name: 'places', type: 'u32' },
      { name: 'scale', type: 'f32' },
      { name: 'qAt', type: 'u32', view: 'q' },
      { name: 'kAt', type: 'u32', view: 'k' },
      { name: 'vAt', type: 'u32', view: 'v' },
      { name: 'positionAt', type: 'u32', view: 'position' },
      { name: 'firstAt', type: 'u32', view: 'first' },
      { name: 'yAt', type: 'u32', view: 'y' },
      { name: 'logSumExpAt', type: 'u32', view: 'log_sum_exp' },
    ],
    overrides: [],
    source: ATTENTION_TILE + PLACES + ATTENTION_SEEN + BITS + EXPONENTIALS + ATTENTION_FORWARD_TILES + ATTENTION_LOAD_VEC4 + "//:4\nstruct Arguments {\nworkgroups: u32,\nqueries: u32,\nkeys: u32,\nheads: u32,\ngroups: u32,\nwidth: u32,\nrow_tiles: u32,\ncolumn_tiles: u32,\n\nsplits: u32,\nkeys_of_split: u32,\n\nsums_begin: u32,\nwindow: i32,\n\nplaces: u32,\nscale: f32,\nq_at: u32,\nk_at: u32,\nv_at: u32,\nposition_at: u32,\nfirst_at: u32,\ny_at: u32,\nlog_sum_exp_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> q: array<vec4f>;\n@group(0) @binding(2) var<storage, read> k: array<vec4f>;\n@group(0) @binding(3) var<storage, read> v: array<vec4f>;\n@group(0) @binding(4) var<storage, read> position: array<i32>;\n@group(0) @binding(5) var<storage, read> first: array<i32>;\n@group(0) @binding(6) var<storage, read_write> y: array<vec4f>;\n@group(0) @binding(7) var<storage, read_write> log_sum_exp: array<f32>;\n\n\n@group(0) @binding(8) var<storage, read_write> parts: array<f32>;\n\nfn store_y(row: u32, d: u32, values: vec4f) {\ny[arguments.y_at + (row * arguments.width + d) / 4u] = values;\n}\n\n@compute @workgroup_size(TILE_THREADS)\nfn attention(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nattend(group.x + group.y * groups.x, lane);\n}\n",
  },
  'attention-tiles': {
    uniform: 0,
    bindings: [
      { name: 'q', index: 1, writes: false, unit: 4 },
      { name: 'k', index: 2, writes: false, unit: 4 },
      { name: 'v', index: 3, writes: false, unit: 4 },
      { name: 'position', index: 4, writes: false, unit: 4 },
      { name: 'first', index: 5, writes: false, unit: 4 },
      { name: 'y', index: 6, writes: true, unit: 4 },
      { name: 'log_sum_exp', index: 7, writes: true, unit: 4 },
      { name: 'parts', index: 8, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'workgroups', type: 'u32' },
      { name: 'queries', type: 'u32' },
      { name: 'keys', type: 'u32' },
      { name: 'heads', type: 'u32' },
      { name: 'groups', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'rowTiles', type: 'u32' },
      { name: 'columnTiles', type: 'u32' },
      { name: 'splits', type: 'u32' },
      { name: 'keysOfSplit', type: 'u32' },
      { name: 'sumsBegin', type: 'u32' },
      { name: 'window', type: 'i32' },
      { name: 'places', type: 'u32' },
      { name: 'scale', type: 'f32' },
      { name: 'qAt', type: 'u32', view: 'q' },
      { name: 'kAt', type: 'u32', view: 'k' },
      { name: 'vAt', type: 'u32', view: 'v' },
      { name: 'positionAt', type: 'u32', view: 'position' },
      { name: 'firstAt', type: 'u32', view: 'first' },
      { name: 'yAt', type: 'u32', view: 'y' },
      { name: 'logSumExpAt', type: 'u32', view: 'log_sum_exp' },
    ],
    overrides: [],
    source: ATTENTION_TILE + PLACES + ATTENTION_SEEN + BITS + EXPONENTIALS + ATTENTION_FORWARD_TILES + ATTENTION_LOAD + "//:4\nstruct Arguments {\nworkgroups: u32,\nqueries: u32,\nkeys: u32,\nheads: u32,\ngroups: u32,\nwidth: u32,\nrow_tiles: u32,\ncolumn_tiles: u32,\n\nsplits: u32,\nkeys_of_split: u32,\n\nsums_begin: u32,\nwindow: i32,\n\nplaces: u32,\nscale: f32,\nq_at: u32,\nk_at: u32,\nv_at: u32,\nposition_at: u32,\nfirst_at: u32,\ny_at: u32,\nlog_sum_exp_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> q: array<f32>;\n@group(0) @binding(2) var<storage, read> k: array<f32>;\n@group(0) @binding(3) var<storage, read> v: array<f32>;\n@group(0) @binding(4) var<storage, read> position: array<i32>;\n@group(0) @binding(5) var<storage, read> first: array<i32>;\n@group(0) @binding(6) var<storage, read_write> y: array<f32>;\n@group(0) @binding(7) var<storage, read_write> log_sum_exp: array<f32>;\n\n\n@group(0) @binding(8) var<storage, read_write> parts: array<f32>;\n\nfn store_y(row: u32, d: u32, values: vec4f) {\nfor (var i = 0u; i < 4u && d + i < arguments.width; i++) {\ny[arguments.y_at + row * arguments.width + d + i] = values[i];\n}\n}\n\n@compute @workgroup_size(TILE_THREADS)\nfn attention(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nattend(group.x + group.y * groups.x, lane);\n}\n",
  },
  'binary-vec4': {
    uniform: 0,
    bindings: [
      { name: 'a', index: 1, writes: false, unit: 16 },
      { name: 'b', index: 2, writes: false, unit: 16 },
      { name: 'y', index: 3, writes: true, unit: 16 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'period', type: 'u32' },
      { name: 'start', type: 'u32' },
      { name: 'aAt', type: 'u32', view: 'a' },
      { name: 'bAt', type: 'u32', view: 'b' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: ['kind'],
    source: FLAT + BITS + BINARY_FORMULAS + "//:5\nstruct Arguments {\ncount: u32,\nperiod: u32,\nstart: u32,\na_at: u32,\nb_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> a: array<vec4f>;\n@group(0) @binding(2) var<storage, read> b: array<vec4f>;\n@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;\n\noverride kind: u32 = 0u;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn binary_of(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.count) {\nreturn;\n}\nvar at = arguments.start + i;\nif (at >= arguments.period) {\nat %= arguments.period;\n}\nlet p = a[arguments.a_at + i];\nlet q = b[arguments.b_at + at];\nif (kind == 0u) {\ny[arguments.y_at + i] = p + q;\n} else if (kind == 1u) {\ny[arguments.y_at + i] = p - q;\n} else {\ny[arguments.y_at + i] = vec4f(\nbinary(kind, p.x, q.x),\nbinary(kind, p.y, q.y),\nbinary(kind, p.z, q.z),\nbinary(kind, p.w, q.w),\n);\n}\n}\n",
  },
  'binary': {
    uniform: 0,
    bindings: [
      { name: 'a', index: 1, writes: false, unit: 4 },
      { name: 'b', index: 2, writes: false, unit: 4 },
      { name: 'y', index: 3, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'period', type: 'u32' },
      { name: 'start', type: 'u32' },
      { name: 'aAt', type: 'u32', view: 'a' },
      { name: 'bAt', type: 'u32', view: 'b' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: ['kind'],
    source: FLAT + BITS + BINARY_FORMULAS + "//:5\nstruct Arguments {\ncount: u32,\nperiod: u32,\nstart: u32,\na_at: u32,\nb_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> a: array<f32>;\n@group(0) @binding(2) var<storage, read> b: array<f32>;\n@group(0) @binding(3) var<storage, read_write> y: array<f32>;\n\noverride kind: u32 = 0u;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn binary_of(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.count) {\nreturn;\n}\nvar at = arguments.start + i;\nif (at >= arguments.period) {\nat %= arguments.period;\n}\ny[arguments.y_at + i] = binary(kind, a[arguments.a_at + i], b[arguments.b_at + at]);\n}\n",
  },
  'broadcast': {
    uniform: 0,
    bindings: [
      { name: 'x', index: 1, writes: false, unit: 4 },
      { name: 'y', index: 2, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'repeats', type: 'u32' },
      { name: 'period', type: 'u32' },
      { name: 'start', type: 'u32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: [],
    source: FLAT + "//:3\nstruct Arguments {\ncount: u32,\nrepeats: u32,\nperiod: u32,\nstart: u32,\nx_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> x: array<u32>;\n@group(0) @binding(2) var<storage, read_write> y: array<u32>;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn broadcast(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.count) {\nreturn;\n}\nlet at = (arguments.start + i) / arguments.repeats;\ny[arguments.y_at + i] = x[arguments.x_at + at % arguments.period];\n}\n",
  },
  'cast': {
    uniform: 0,
    bindings: [
      { name: 'x', index: 1, writes: false, unit: 4 },
      { name: 'y', index: 2, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: ['source', 'target_type'],
    source: FLAT + BF16 + BITS + "//:7\nstruct Arguments {\ncount: u32,\nx_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> x: array<u32>;\n@group(0) @binding(2) var<storage, read_write> y: array<u32>;\n\noverride source: u32 = 0u;\noverride target_type: u32 = 1u;\n\n\nfn float_bits(at: u32) -> u32 {\nif (source == 0u) {\nreturn x[at];\n}\nreturn half_of(x[at / 2u], at) << 16u;\n}\n\nfn integer(at: u32) -> i32 {\nif (source == 2u) {\nreturn bitcast<i32>(x[at]);\n}\nreturn byte_of(x[at / 4u], at);\n}\n\n\nfn nearest_float(i: i32) -> f32 {\nreturn f32(i & ~0xfff) + f32(i & 0xfff);\n}\n\n\nfn truncated(bits: u32) -> i32 {\nlet magnitude = bits & 0x7fffffffu;\nif (magnitude > NOT_FINITE) {\nreturn 0;\n}\n\nif (magnitude >= 0x4f000000u) {\nreturn select(0x7fffffff, i32(-0x7fffffff - 1), bits >= 0x80000000u);\n}\nreturn i32(bitcast<f32>(bits));\n}\n\n\nfn converted(at: u32) -> u32 {\nlet from_float = source < 2u;\nswitch (target_type) {\ncase 0u: {\nif (from_float) {\nreturn float_bits(at);\n}\nreturn bitcast<u32>(nearest_float(integer(at)));\n}\ncase 1u: {\nif (from_float) {\nreturn to_bf16(float_bits(at));\n}\nreturn to_bf16(bitcast<u32>(nearest_float(integer(at))));\n}\ndefault: {\nvar number = 0;\nif (from_float) {\nnumber = truncated(float_bits(at));\n} else {\nnumber = integer(at);\n}\nif (target_type == 2u) {\nreturn bitcast<u32>(number);\n}\nreturn bitcast<u32>(clamp(number, -128, 127)) & 0xffu;\n}\n}\n}\n\n@compute @workgroup_size(FLAT_THREADS)\nfn cast_elements(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (target_type == 0u || target_type == 2u) {\nif (i < arguments.count) {\ny[arguments.y_at + i] = converted(arguments.x_at + i);\n}\nreturn;\n}\nlet per_word = select(4u, 2u, target_type == 1u);\nlet width = 32u / per_word;\nlet word = arguments.y_at / per_word + i;\nvar bits = 0u;\nvar mask = 0u;\nfor (var place = 0u; place < per_word; place++) {\nlet at = word * per_word + place;\nif (at >= arguments.y_at && at < arguments.y_at + arguments.count) {\nbits |= converted(arguments.x_at + at - arguments.y_at) << (place * width);\nmask |= ((1u << width) - 1u) << (place * width);\n}\n}\nif (mask == 0xffffffffu) {\ny[word] = bits;\n} else if (mask != 0u) {\ny[word] = (y[word] & ~mask) | bits;\n}\n}\n",
  },
  'compact-codes': {
    uniform: 0,
    bindings: [
      { name: 'x', index: 1, writes: false, unit: 4 },
      { name: 'indices', index: 2, writes: false, unit: 4 },
      { name: 'count', index: 3, writes: false, unit: 4 },
      { name: 'largest', index: 4, writes: false, unit: 4 },
      { name: 'codes', index: 5, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'rows', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'keep', type: 'u32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'indicesAt', type: 'u32', view: 'indices' },
      { name: 'countAt', type: 'u32', view: 'count' },
      { name: 'largestAt', type: 'u32', view: 'largest' },
      { name: 'codesAt', type: 'u32', view: 'codes' },
    ],
    overrides: [],
    source: FLAT + BITS + "//:5\nstruct Arguments {\nrows: u32,\nwidth: u32,\nkeep: u32,\nx_at: u32,\nindices_at: u32,\ncount_at: u32,\nlargest_at: u32,\ncodes_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> x: array<f32>;\n@group(0) @binding(2) var<storage, read> indices: array<u32>;\n@group(0) @binding(3) var<storage, read> count: array<u32>;\n@group(0) @binding(4) var<storage, read> largest: array<f32>;\n@group(0) @binding(5) var<storage, read_write> codes: array<u32>;\n\nfn code(place: u32) -> i32 {\nlet row = place / arguments.keep;\nlet own_largest = largest[arguments.largest_at + row];\nif (place - row * arguments.keep >= count[arguments.count_at + row] || own_largest == 0.0) {\nreturn 0;\n}\nlet entry = x[arguments.x_at + row * arguments.width + indices[arguments.indices_at + place]];\nreturn i32(clamp(level_number(entry, own_largest), -127.0, 127.0));\n}\n\n@compute @workgroup_size(FLAT_THREADS)\nfn write_codes(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet word = arguments.codes_at / 4u + flat_index(group, groups, lane);\nlet end = arguments.codes_at + arguments.rows * arguments.keep;\nvar bits = 0u;\nvar mask = 0u;\nfor (var place = 0u; place < 4u; place++) {\nlet at = word * 4u + place;\nif (at >= arguments.codes_at && at < end) {\nbits |= (bitcast<u32>(code(at - arguments.codes_at)) & 0xffu) << (place * 8u);\nmask |= 0xffu << (place * 8u);\n}\n}\nif (mask == 0xffffffffu) {\ncodes[word] = bits;\n} else if (mask != 0u) {\ncodes[word] = (codes[word] & ~mask) | bits;\n}\n}\n",
  },
  'compact-lists': {
    uniform: 0,
    bindings: [
      { name: 'x', index: 1, writes: false, unit: 4 },
      { name: 'indices', index: 2, writes: true, unit: 4 },
      { name: 'values', index: 3, writes: true, unit: 4 },
      { name: 'count', index: 4, writes: true, unit: 4 },
      { name: 'scale', index: 5, writes: true, unit: 4 },
      { name: 'largest', index: 6, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'rows', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'keep', type: 'u32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'indicesAt', type: 'u32', view: 'indices' },
      { name: 'valuesAt', type: 'u32', view: 'values' },
      { name: 'countAt', type: 'u32', view: 'count' },
      { name: 'scaleAt', type: 'u32', view: 'scale' },
      { name: 'largestAt', type: 'u32', view: 'largest' },
    ],
    overrides: ['team', 'levels'],
    source: ROWS + BITS + "//:6\nstruct Arguments {\nrows: u32,\nwidth: u32,\nkeep: u32,\nx_at: u32,\nindices_at: u32,\nvalues_at: u32,\ncount_at: u32,\nscale_at: u32,\nlargest_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> x: array<f32>;\n@group(0) @binding(2) var<storage, read_write> indices: array<u32>;\n@group(0) @binding(3) var<storage, read_write> values: array<f32>;\n@group(0) @binding(4) var<storage, read_write> count: array<u32>;\n@group(0) @binding(5) var<storage, read_write> scale: array<f32>;\n@group(0) @binding(6) var<storage, read_write> largest: array<f32>;\noverride levels: bool = false;\n\nvar<workgroup> founds: array<u32, team>;\n\nfn write_entry(place: u32, index: u32, value: f32) {\nindices[arguments.indices_at + place] = index;\nif (!levels) {\nvalues[arguments.values_at + place] = value;\n}\n}\n\n@compute @workgroup_size(team)\nfn lists(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet row = group.x + group.y * groups.x;\nif (row >= arguments.rows) {\nreturn;\n}\nlet at = arguments.x_at + row * arguments.width;\nlet run = (arguments.width + team - 1u) / team;\nlet begin = min(lane * run, arguments.width);\nlet end = min(begin + run, arguments.width);\nvar own = 0u;\nvar most = 0u;\nfor (var i = begin; i < end; i++) {\nlet magnitude = magnitude_of(x[at + i]);\nown += select(0u, 1u, magnitude != 0u);\nmost = max(most, magnitude);\n}\nfounds[lane] = own;\nlet magnitude = team_largest(most, lane);\nvar place = 0u;\nvar all = 0u;\nfor (var other = 0u; other < team; other++) {\nif (other < lane) {\nplace += founds[other];\n}\nall += founds[other];\n}\nlet list = row * arguments.keep;\nlet found = min(all, arguments.keep);\nfor (var i = begin; i < end && place < found; i++) {\nlet entry = x[at + i];\nif (magnitude_of(entry) != 0u) {\nwrite_entry(list + place, i, entry);\nplace++;\n}\n}\nfor (var i = found + lane; i < arguments.keep; i += team) {\nwrite_entry(list + i, 0u, 0.0);\n}\nif (lane == 0u) {\ncount[arguments.count_at + row] = found;\nif (levels) {\nlet finite = magnitude < NOT_FINITE;\nlet own_largest = max(bitcast<f32>(select(0u, magnitude, finite)), 1e-5);\nscale[arguments.scale_at + row] = select(nan_from(magnitude), own_largest / 127.0, finite);\nlargest[arguments.largest_at + row] = select(0.0, own_largest, finite);\n}\n}\n}\n",
  },
  'copy-parts': {
    uniform: 0,
    bindings: [
      { name: 'x', index: 1, writes: false, unit: 4 },
      { name: 'y', index: 2, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'span', type: 'u32' },
      { name: 'length', type: 'u32' },
      { name: 'xStride', type: 'u32' },
      { name: 'yStride', type: 'u32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: ['per_word'],
    source: FLAT + PARTS + "//:5\nstruct Arguments {\nspan: u32,\nlength: u32,\nx_stride: u32,\ny_stride: u32,\nx_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> x: array<u32>;\n@group(0) @binding(2) var<storage, read_write> y: array<u32>;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn copy_parts(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet word = arguments.y_at / per_word + flat_index(group, groups, lane);\nvar bits = 0u;\nvar mask = 0u;\nfor (var place = 0u; place < per_word; place++) {\nlet at = word * per_word + place;\nif (at < arguments.y_at || at >= arguments.y_at + arguments.span) {\ncontinue;\n}\nlet run = (at - arguments.y_at) / arguments.y_stride;\nlet j = at - arguments.y_at - run * arguments.y_stride;\nif (j < arguments.length) {\nlet source = arguments.x_at + run * arguments.x_stride + j;\nbits |= part_of(x[source / per_word], source) << (place * (32u / per_word));\nmask |= part_mask(place);\n}\n}\nif (mask == 0xffffffffu) {\ny[word] = bits;\n} else if (mask != 0u) {\ny[word] = (y[word] & ~mask) | bits;\n}\n}\n",
  },
  'copy-runs-vec4': {
    uniform: 0,
    bindings: [
      { name: 'x', index: 1, writes: false, unit: 16 },
      { name: 'y', index: 2, writes: true, unit: 16 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'length', type: 'u32' },
      { name: 'xStride', type: 'u32' },
      { name: 'yStride', type: 'u32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: [],
    source: FLAT + "//:3\nstruct Arguments {\ncount: u32,\nlength: u32,\nx_stride: u32,\ny_stride: u32,\nx_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> x: array<vec4u>;\n@group(0) @binding(2) var<storage, read_write> y: array<vec4u>;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn copy_runs(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.count) {\nreturn;\n}\nlet run = i / arguments.length;\nlet j = i - run * arguments.length;\ny[arguments.y_at + run * arguments.y_stride + j] = x[arguments.x_at + run * arguments.x_stride + j];\n}\n",
  },
  'copy-runs': {
    uniform: 0,
    bindings: [
      { name: 'x', index: 1, writes: false, unit: 4 },
      { name: 'y', index: 2, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'length', type: 'u32' },
      { name: 'xStride', type: 'u32' },
      { name: 'yStride', type: 'u32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: [],
    source: FLAT + "//:3\nstruct Arguments {\ncount: u32,\nlength: u32,\nx_stride: u32,\ny_stride: u32,\nx_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> x: array<u32>;\n@group(0) @binding(2) var<storage, read_write> y: array<u32>;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn copy_runs(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.count) {\nreturn;\n}\nlet run = i / arguments.length;\nlet j = i - run * arguments.length;\ny[arguments.y_at + run * arguments.y_stride + j] = x[arguments.x_at + run * arguments.x_stride + j];\n}\n",
  },
  'cross-entropy-backward': {
    uniform: 0,
    bindings: [
      { name: 'd', index: 1, writes: false, unit: 4 },
      { name: 'logits', index: 2, writes: false, unit: 4 },
      { name: 'targets', index: 3, writes: false, unit: 4 },
      { name: 'log_sum_exp', index: 4, writes: false, unit: 4 },
      { name: 'count', index: 5, writes: false, unit: 4 },
      { name: 'gradient', index: 6, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'elements', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'dAt', type: 'u32', view: 'd' },
      { name: 'logitsAt', type: 'u32', view: 'logits' },
      { name: 'targetsAt', type: 'u32', view: 'targets' },
      { name: 'logSumExpAt', type: 'u32', view: 'log_sum_exp' },
      { name: 'countAt', type: 'u32', view: 'count' },
      { name: 'gradientAt', type: 'u32', view: 'gradient' },
    ],
    overrides: ['in_place'],
    source: BITS + EXPONENTIALS + FLAT + "//:5\nstruct Arguments {\nelements: u32,\nwidth: u32,\nd_at: u32,\nlogits_at: u32,\ntargets_at: u32,\nlog_sum_exp_at: u32,\ncount_at: u32,\ngradient_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> d: array<f32>;\n@group(0) @binding(2) var<storage, read> logits: array<f32>;\n@group(0) @binding(3) var<storage, read> targets: array<i32>;\n@group(0) @binding(4) var<storage, read> log_sum_exp: array<f32>;\n@group(0) @binding(5) var<storage, read> count: array<f32>;\n@group(0) @binding(6) var<storage, read_write> gradient: array<f32>;\noverride in_place: bool = false;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn cross_entropy_backward(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.elements) {\nreturn;\n}\nlet row = i / arguments.width;\nlet wanted = targets[arguments.targets_at + row];\nvar result = 0.0;\nif (wanted >= i32(arguments.width)) {\nresult = nan_from(i);\n} else if (wanted >= 0) {\nvar logit: f32;\nif (in_place) {\nlogit = gradient[arguments.gradient_at + i];\n} else {\nlogit = logits[arguments.logits_at + i];\n}\nlet p = exp_of(logit - log_sum_exp[arguments.log_sum_exp_at + row]);\nlet hit = select(0.0, 1.0, i - row * arguments.width == u32(wanted));\nresult = d[arguments.d_at] / count[arguments.count_at] * (p - hit);\n}\ngradient[arguments.gradient_at + i] = result;\n}\n",
  },
  'cross-entropy-mean': {
    uniform: 0,
    bindings: [
      { name: 'row_losses', index: 1, writes: false, unit: 4 },
      { name: 'targets', index: 2, writes: false, unit: 4 },
      { name: 'loss', index: 3, writes: true, unit: 4 },
      { name: 'count', index: 4, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'rows', type: 'u32' },
      { name: 'rowLossesAt', type: 'u32', view: 'row_losses' },
      { name: 'targetsAt', type: 'u32', view: 'targets' },
      { name: 'lossAt', type: 'u32', view: 'loss' },
      { name: 'countAt', type: 'u32', view: 'count' },
    ],
    overrides: ['team'],
    source: ROWS + "//:3\nstruct Arguments {\nrows: u32,\nrow_losses_at: u32,\ntargets_at: u32,\nloss_at: u32,\ncount_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> row_losses: array<f32>;\n@group(0) @binding(2) var<storage, read> targets: array<i32>;\n@group(0) @binding(3) var<storage, read_write> loss: array<f32>;\n@group(0) @binding(4) var<storage, read_write> count: array<f32>;\n\n@compute @workgroup_size(team)\nfn mean(@builtin(local_invocation_index) lane: u32) {\nvar sum = 0.0;\nvar valid = 0u;\nfor (var row = lane; row < arguments.rows; row += team) {\nif (targets[arguments.targets_at + row] >= 0) {\nsum += row_losses[arguments.row_losses_at + row];\nvalid++;\n}\n}\nsum = team_sum(sum, lane);\nvalid = team_count(valid, lane);\nif (lane == 0u) {\ncount[arguments.count_at] = f32(valid);\nvar result = 0.0;\nif (valid > 0u) {\nresult = sum / f32(valid);\n}\nloss[arguments.loss_at] = result;\n}\n}\n",
  },
  'cross-entropy': {
    uniform: 0,
    bindings: [
      { name: 'logits', index: 1, writes: false, unit: 4 },
      { name: 'targets', index: 2, writes: false, unit: 4 },
      { name: 'log_sum_exp', index: 3, writes: true, unit: 4 },
      { name: 'row_losses', index: 4, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'rows', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'logitsAt', type: 'u32', view: 'logits' },
      { name: 'targetsAt', type: 'u32', view: 'targets' },
      { name: 'logSumExpAt', type: 'u32', view: 'log_sum_exp' },
      { name: 'rowLossesAt', type: 'u32', view: 'row_losses' },
    ],
    overrides: ['team'],
    source: ROWS + BITS + EXPONENTIALS + FLAT + "//:6\nstruct Arguments {\nrows: u32,\nwidth: u32,\nlogits_at: u32,\ntargets_at: u32,\nlog_sum_exp_at: u32,\nrow_losses_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> logits: array<f32>;\n@group(0) @binding(2) var<storage, read> targets: array<i32>;\n@group(0) @binding(3) var<storage, read_write> log_sum_exp: array<f32>;\n@group(0) @binding(4) var<storage, read_write> row_losses: array<f32>;\n\nfn finish(row: u32, largest: f32, sum: f32) {\nlet result = largest + log_of(sum);\nlog_sum_exp[arguments.log_sum_exp_at + row] = result;\nlet wanted = targets[arguments.targets_at + row];\nvar loss = 0.0;\nif (wanted >= i32(arguments.width)) {\nloss = nan_from(row);\n} else if (wanted >= 0) {\nloss = result - logits[arguments.logits_at + row * arguments.width + u32(wanted)];\n}\nrow_losses[arguments.row_losses_at + row] = loss;\n}\n\n@compute @workgroup_size(team)\nfn team_row(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet row = group.x + group.y * groups.x;\nif (row >= arguments.rows) {\nreturn;\n}\nlet at = arguments.logits_at + row * arguments.width;\nvar highest = 0u;\nfor (var i = lane; i < arguments.width; i += team) {\nhighest = max(highest, order_of(logits[at + i]));\n}\nlet largest = from_order(team_largest(highest, lane));\nvar sum = 0.0;\nfor (var i = lane; i < arguments.width; i += team) {\nsum += exp_of(logits[at + i] - largest);\n}\nsum = team_sum(sum, lane);\nif (lane == 0u) {\nfinish(row, largest, sum);\n}\n}\n\n\nconst TERMS = 64u;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn single_row(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet row = flat_index(group, groups, lane);\nif (row >= arguments.rows) {\nreturn;\n}\nlet at = arguments.logits_at + row * arguments.width;\nlet end = at + arguments.width;\nvar highest = 0u;\nfor (var i = at; i < end; i++) {\nhighest = max(highest, order_of(logits[i]));\n}\nlet largest = from_order(highest);\nvar sum = 0.0;\nfor (var block = at; block < end; block += TERMS) {\nvar part = 0.0;\nfor (var i = block; i < min(end, block + TERMS); i++) {\npart += exp_of(logits[i] - largest);\n}\nsum += part;\n}\nfinish(row, largest, sum);\n}\n",
  },
  'embedding-backward': {
    uniform: 0,
    bindings: [
      { name: 'dy', index: 1, writes: false, unit: 4 },
      { name: 'ids', index: 2, writes: false, unit: 4 },
      { name: 'into', index: 3, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'rows', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'first', type: 'u32' },
      { name: 'length', type: 'u32' },
      { name: 'partitions', type: 'u32' },
      { name: 'dyAt', type: 'u32', view: 'dy' },
      { name: 'idsAt', type: 'u32', view: 'ids' },
      { name: 'intoAt', type: 'u32', view: 'into' },
    ],
    overrides: [],
    source: FLAT + "//:4\nstruct Arguments {\nrows: u32,\nwidth: u32,\n\nfirst: u32,\nlength: u32,\npartitions: u32,\ndy_at: u32,\nids_at: u32,\ninto_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> dy: array<f32>;\n@group(0) @binding(2) var<storage, read> ids: array<u32>;\n@group(0) @binding(3) var<storage, read_write> into: array<f32>;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn embedding_backward(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet width = arguments.width;\nlet blocks = (width + FLAT_THREADS - 1u) / FLAT_THREADS;\nlet index = group.x + group.y * groups.x;\nlet share = index / blocks;\nlet column = index % blocks * FLAT_THREADS + lane;\nif (share >= arguments.partitions || column >= width) {\nreturn;\n}\nfor (var row = 0u; row < arguments.rows; row++) {\nlet id = ids[arguments.ids_at + row] - arguments.first;\nif (id < arguments.length && id % arguments.partitions == share) {\ninto[arguments.into_at + id * width + column] += dy[arguments.dy_at + row * width + column];\n}\n}\n}\n",
  },
  'embedding': {
    uniform: 0,
    bindings: [
      { name: 'table', index: 1, writes: false, unit: 4 },
      { name: 'ids', index: 2, writes: false, unit: 4 },
      { name: 'y', index: 3, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'length', type: 'u32' },
      { name: 'first', type: 'u32' },
      { name: 'rows', type: 'u32' },
      { name: 'nan', type: 'u32' },
      { name: 'tableAt', type: 'u32', view: 'table' },
      { name: 'idsAt', type: 'u32', view: 'ids' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: [],
    source: FLAT + "//:3\nstruct Arguments {\ncount: u32,\nwidth: u32,\n\nlength: u32,\nfirst: u32,\nrows: u32,\nnan: u32,\ntable_at: u32,\nids_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> table: array<u32>;\n@group(0) @binding(2) var<storage, read> ids: array<i32>;\n@group(0) @binding(3) var<storage, read_write> y: array<u32>;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn embedding(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.count) {\nreturn;\n}\n\nlet id = bitcast<u32>(ids[arguments.ids_at + i / arguments.width]);\nif (id >= arguments.length) {\nif (arguments.first == 0u) {\ny[arguments.y_at + i] = arguments.nan;\n}\n} else if (id >= arguments.first && id - arguments.first < arguments.rows) {\ny[arguments.y_at + i] = table[arguments.table_at + (id - arguments.first) * arguments.width + i % arguments.width];\n}\n}\n",
  },
  'fill-vec4': {
    uniform: 0,
    bindings: [
      { name: 'into', index: 1, writes: true, unit: 16 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'pattern', type: 'u32' },
      { name: 'intoAt', type: 'u32', view: 'into' },
    ],
    overrides: [],
    source: FLAT + "//:3\nstruct Arguments {\ncount: u32,\npattern: u32,\ninto_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read_write> into: array<vec4u>;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn fill(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.count) {\nreturn;\n}\nlet at = arguments.into_at + i;\ninto[at] = vec4u(arguments.pattern);\n}\n",
  },
  'fill': {
    uniform: 0,
    bindings: [
      { name: 'into', index: 1, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'pattern', type: 'u32' },
      { name: 'firstMask', type: 'u32' },
      { name: 'lastMask', type: 'u32' },
      { name: 'intoAt', type: 'u32', view: 'into' },
    ],
    overrides: [],
    source: FLAT + "//:3\nstruct Arguments {\ncount: u32,\npattern: u32,\nfirst_mask: u32,\nlast_mask: u32,\ninto_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read_write> into: array<u32>;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn fill(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.count) {\nreturn;\n}\nlet at = arguments.into_at + i;\nvar mask = 0xffffffffu;\nif (i == 0u) {\nmask = arguments.first_mask;\n}\nif (i == arguments.count - 1u) {\nmask &= arguments.last_mask;\n}\nif (mask == 0xffffffffu) {\ninto[at] = arguments.pattern;\n} else {\ninto[at] = (into[at] & ~mask) | (arguments.pattern & mask);\n}\n}\n",
  },
  'gated-activation-backward-vec4': {
    uniform: 0,
    bindings: [
      { name: 'gate', index: 1, writes: false, unit: 16 },
      { name: 'up', index: 2, writes: false, unit: 16 },
      { name: 'dy', index: 3, writes: false, unit: 16 },
      { name: 'd_gate', index: 4, writes: true, unit: 16 },
      { name: 'd_up', index: 5, writes: true, unit: 16 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'gateAt', type: 'u32', view: 'gate' },
      { name: 'upAt', type: 'u32', view: 'up' },
      { name: 'dyAt', type: 'u32', view: 'dy' },
      { name: 'dGateAt', type: 'u32', view: 'd_gate' },
      { name: 'dUpAt', type: 'u32', view: 'd_up' },
    ],
    overrides: ['kind'],
    source: FLAT + BITS + EXPONENTIALS + ACTIVATIONS + "//:4\nstruct Arguments {\ncount: u32,\ngate_at: u32,\nup_at: u32,\ndy_at: u32,\nd_gate_at: u32,\nd_up_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> gate: array<vec4f>;\n@group(0) @binding(2) var<storage, read> up: array<vec4f>;\n@group(0) @binding(3) var<storage, read> dy: array<vec4f>;\n@group(0) @binding(4) var<storage, read_write> d_gate: array<vec4f>;\n@group(0) @binding(5) var<storage, read_write> d_up: array<vec4f>;\n\noverride kind: u32 = 1u;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn gated_activation_backward(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.count) {\nreturn;\n}\nlet g = gate[arguments.gate_at + i];\nlet d = dy[arguments.dy_at + i];\nlet slope = vec4f(\nactivation_slope(kind, g.x),\nactivation_slope(kind, g.y),\nactivation_slope(kind, g.z),\nactivation_slope(kind, g.w),\n);\nlet value = vec4f(\nactivation(kind, g.x),\nactivation(kind, g.y),\nactivation(kind, g.z),\nactivation(kind, g.w),\n);\nd_gate[arguments.d_gate_at + i] = slope * (d * up[arguments.up_at + i]);\nd_up[arguments.d_up_at + i] = value * d;\n}\n",
  },
  'gated-activation-backward': {
    uniform: 0,
    bindings: [
      { name: 'gate', index: 1, writes: false, unit: 4 },
      { name: 'up', index: 2, writes: false, unit: 4 },
      { name: 'dy', index: 3, writes: false, unit: 4 },
      { name: 'd_gate', index: 4, writes: true, unit: 4 },
      { name: 'd_up', index: 5, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'gateAt', type: 'u32', view: 'gate' },
      { name: 'upAt', type: 'u32', view: 'up' },
      { name: 'dyAt', type: 'u32', view: 'dy' },
      { name: 'dGateAt', type: 'u32', view: 'd_gate' },
      { name: 'dUpAt', type: 'u32', view: 'd_up' },
    ],
    overrides: ['kind'],
    source: FLAT + BITS + EXPONENTIALS + ACTIVATIONS + "//:4\nstruct Arguments {\ncount: u32,\ngate_at: u32,\nup_at: u32,\ndy_at: u32,\nd_gate_at: u32,\nd_up_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> gate: array<f32>;\n@group(0) @binding(2) var<storage, read> up: array<f32>;\n@group(0) @binding(3) var<storage, read> dy: array<f32>;\n@group(0) @binding(4) var<storage, read_write> d_gate: array<f32>;\n@group(0) @binding(5) var<storage, read_write> d_up: array<f32>;\n\noverride kind: u32 = 1u;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn gated_activation_backward(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.count) {\nreturn;\n}\nlet g = gate[arguments.gate_at + i];\nlet d = dy[arguments.dy_at + i];\nd_gate[arguments.d_gate_at + i] = activation_slope(kind, g) * (d * up[arguments.up_at + i]);\nd_up[arguments.d_up_at + i] = activation(kind, g) * d;\n}\n",
  },
  'gated-activation-vec4': {
    uniform: 0,
    bindings: [
      { name: 'gate', index: 1, writes: false, unit: 16 },
      { name: 'up', index: 2, writes: false, unit: 16 },
      { name: 'y', index: 3, writes: true, unit: 16 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'gateAt', type: 'u32', view: 'gate' },
      { name: 'upAt', type: 'u32', view: 'up' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: ['kind'],
    source: FLAT + BITS + EXPONENTIALS + ACTIVATIONS + "//:4\nstruct Arguments {\ncount: u32,\ngate_at: u32,\nup_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> gate: array<vec4f>;\n@group(0) @binding(2) var<storage, read> up: array<vec4f>;\n@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;\n\noverride kind: u32 = 1u;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn gated_activation(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.count) {\nreturn;\n}\nlet g = gate[arguments.gate_at + i];\nlet value = vec4f(\nactivation(kind, g.x),\nactivation(kind, g.y),\nactivation(kind, g.z),\nactivation(kind, g.w),\n);\ny[arguments.y_at + i] = value * up[arguments.up_at + i];\n}\n",
  },
  'gated-activation': {
    uniform: 0,
    bindings: [
      { name: 'gate', index: 1, writes: false, unit: 4 },
      { name: 'up', index: 2, writes: false, unit: 4 },
      { name: 'y', index: 3, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'gateAt', type: 'u32', view: 'gate' },
      { name: 'upAt', type: 'u32', view: 'up' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: ['kind'],
    source: FLAT + BITS + EXPONENTIALS + ACTIVATIONS + "//:4\nstruct Arguments {\ncount: u32,\ngate_at: u32,\nup_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> gate: array<f32>;\n@group(0) @binding(2) var<storage, read> up: array<f32>;\n@group(0) @binding(3) var<storage, read_write> y: array<f32>;\n\noverride kind: u32 = 1u;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn gated_activation(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.count) {\nreturn;\n}\ny[arguments.y_at + i] = activation(kind, gate[arguments.gate_at + i]) * up[arguments.up_at + i];\n}\n",
  },
  'gated-halves-backward-vec4': {
    uniform: 0,
    bindings: [
      { name: 'dy', index: 1, writes: false, unit: 16 },
      { name: 'x', index: 2, writes: false, unit: 16 },
      { name: 'dx', index: 3, writes: true, unit: 16 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'dyAt', type: 'u32', view: 'dy' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'dxAt', type: 'u32', view: 'dx' },
    ],
    overrides: ['kind'],
    source: FLAT + BITS + EXPONENTIALS + ACTIVATIONS + "//:5\nstruct Arguments {\ncount: u32,\nwidth: u32,\ndy_at: u32,\nx_at: u32,\ndx_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> dy: array<vec4f>;\n@group(0) @binding(2) var<storage, read> x: array<vec4f>;\n@group(0) @binding(3) var<storage, read_write> dx: array<vec4f>;\n\noverride kind: u32 = 1u;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn gated_halves_backward(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.count) {\nreturn;\n}\nlet before = (i / arguments.width) * arguments.width + i;\nlet at = arguments.x_at + before;\nlet to = arguments.dx_at + before;\nlet gate = x[at];\nlet d = dy[arguments.dy_at + i];\nlet slope = vec4f(\nactivation_slope(kind, gate.x),\nactivation_slope(kind, gate.y),\nactivation_slope(kind, gate.z),\nactivation_slope(kind, gate.w),\n);\nlet value = vec4f(\nactivation(kind, gate.x),\nactivation(kind, gate.y),\nactivation(kind, gate.z),\nactivation(kind, gate.w),\n);\ndx[to] = slope * (d * x[at + arguments.width]);\ndx[to + arguments.width] = value * d;\n}\n",
  },
  'gated-halves-backward': {
    uniform: 0,
    bindings: [
      { name: 'dy', index: 1, writes: false, unit: 4 },
      { name: 'x', index: 2, writes: false, unit: 4 },
      { name: 'dx', index: 3, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'dyAt', type: 'u32', view: 'dy' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'dxAt', type: 'u32', view: 'dx' },
    ],
    overrides: ['kind'],
    source: FLAT + BITS + EXPONENTIALS + ACTIVATIONS + "//:5\nstruct Arguments {\ncount: u32,\nwidth: u32,\ndy_at: u32,\nx_at: u32,\ndx_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> dy: array<f32>;\n@group(0) @binding(2) var<storage, read> x: array<f32>;\n@group(0) @binding(3) var<storage, read_write> dx: array<f32>;\n\noverride kind: u32 = 1u;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn gated_halves_backward(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.count) {\nreturn;\n}\nlet before = (i / arguments.width) * arguments.width + i;\nlet at = arguments.x_at + before;\nlet to = arguments.dx_at + before;\nlet gate = x[at];\nlet d = dy[arguments.dy_at + i];\ndx[to] = activation_slope(kind, gate) * (d * x[at + arguments.width]);\ndx[to + arguments.width] = activation(kind, gate) * d;\n}\n",
  },
  'gated-halves-vec4': {
    uniform: 0,
    bindings: [
      { name: 'x', index: 1, writes: false, unit: 16 },
      { name: 'y', index: 2, writes: true, unit: 16 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: ['kind'],
    source: FLAT + BITS + EXPONENTIALS + ACTIVATIONS + "//:4\nstruct Arguments {\ncount: u32,\nwidth: u32,\nx_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> x: array<vec4f>;\n@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;\n\noverride kind: u32 = 1u;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn gated_halves(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.count) {\nreturn;\n}\nlet at = arguments.x_at + i + (i / arguments.width) * arguments.width;\nlet gate = x[at];\nlet value = vec4f(\nactivation(kind, gate.x),\nactivation(kind, gate.y),\nactivation(kind, gate.z),\nactivation(kind, gate.w),\n);\ny[arguments.y_at + i] = value * x[at + arguments.width];\n}\n",
  },
  'gated-halves': {
    uniform: 0,
    bindings: [
      { name: 'x', index: 1, writes: false, unit: 4 },
      { name: 'y', index: 2, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: ['kind'],
    source: FLAT + BITS + EXPONENTIALS + ACTIVATIONS + "//:4\nstruct Arguments {\ncount: u32,\nwidth: u32,\nx_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> x: array<f32>;\n@group(0) @binding(2) var<storage, read_write> y: array<f32>;\n\noverride kind: u32 = 1u;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn gated_halves(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.count) {\nreturn;\n}\nlet at = arguments.x_at + i + (i / arguments.width) * arguments.width;\ny[arguments.y_at + i] = activation(kind, x[at]) * x[at + arguments.width];\n}\n",
  },
  'global-norm': {
    uniform: 0,
    bindings: [
      { name: 'x', index: 1, writes: false, unit: 4 },
      { name: 'y', index: 2, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'piece', type: 'u32' },
      { name: 'pieces', type: 'u32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: ['team'],
    source: BITS + ROWS + "//:7\nstruct Arguments {\ncount: u32,\npiece: u32,\npieces: u32,\nx_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> x: array<f32>;\n@group(0) @binding(2) var<storage, read_write> y: array<f32>;\n\nconst LANE_THREADS = 16u;\n\nconst TERMS = 16u;\n\n\nfn square_of(value: f32) -> vec3f {\nlet magnitude = magnitude_of(value);\nlet huge = magnitude >= 0x5d800000u;\nlet tiny = magnitude < 0x26800000u;\nlet tame = value * select(select(1.0, 0x1p80f, tiny), 0x1p-80f, huge);\nlet square = tame * tame;\nreturn vec3f(select(0.0, square, huge), select(square, 0.0, huge || tiny), select(0.0, square, tiny));\n}\n\n\nfn squares_of(first: u32, end: u32, step: u32) -> vec3f {\nvar sum = vec3f();\nfor (var i = first; i < end; i += TERMS * step) {\nvar some = vec3f();\nfor (var j = 0u; j < TERMS; j++) {\nlet at = i + j * step;\nif (at < end) {\nsome += square_of(x[arguments.x_at + at]);\n}\n}\nsum += some;\n}\nreturn sum;\n}\n\n\nfn triples_of(first: u32, end: u32, step: u32) -> vec3f {\nvar sum = vec3f();\nfor (var i = first; i < end; i += TERMS * step) {\nvar some = vec3f();\nfor (var j = 0u; j < TERMS; j++) {\nlet at = i + j * step;\nif (at < end) {\nlet from_at = arguments.x_at + 3u * at;\nsome += vec3f(x[from_at], x[from_at + 1u], x[from_at + 2u]);\n}\n}\nsum += some;\n}\nreturn sum;\n}\n\nfn norm_of(sums: vec3f) -> f32 {\nif (magnitude_of(sums.x) != 0u) {\nreturn root_of(sums.x + lowered(sums.y, 160u)) * 0x1p80f;\n}\n\nif (magnitude_of(sums.y) != 0u) {\nreturn root_of(sums.y + lowered(sums.z, 160u));\n}\nreturn root_of(sums.z) * 0x1p-80f;\n}\n\nfn write_sums(piece: u32, sums: vec3f) {\nlet at = arguments.y_at + 3u * piece;\ny[at] = sums.x;\ny[at + 1u] = sums.y;\ny[at + 2u] = sums.z;\n}\n\nfn team_sums(sums: vec3f, lane: u32) -> vec3f {\nreturn vec3f(team_sum(sums.x, lane), team_sum(sums.y, lane), team_sum(sums.z, lane));\n}\n\n@compute @workgroup_size(team)\nfn global_norm(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet piece = group.x + group.y * groups.x;\nif (piece >= arguments.pieces) {\nreturn;\n}\nlet begin = piece * arguments.piece;\nlet sums = team_sums(squares_of(begin + lane, min(begin + arguments.piece, arguments.count), team), lane);\nif (lane == 0u) {\nwrite_sums(piece, sums);\n}\n}\n\n@compute @workgroup_size(LANE_THREADS)\nfn global_norm_lane(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet piece = (group.x + group.y * groups.x) * LANE_THREADS + lane;\nif (piece >= arguments.pieces) {\nreturn;\n}\nlet begin = piece * arguments.piece;\nwrite_sums(piece, squares_of(begin, min(begin + arguments.piece, arguments.count), 1u));\n}\n\n@compute @workgroup_size(team)\nfn join_norms(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet piece = group.x + group.y * groups.x;\nif (piece >= arguments.pieces) {\nreturn;\n}\nlet begin = piece * arguments.piece;\nlet sums = team_sums(triples_of(begin + lane, min(begin + arguments.piece, arguments.count), team), lane);\nif (lane == 0u) {\nif (arguments.pieces == 1u) {\ny[arguments.y_at] = norm_of(sums);\n} else {\nwrite_sums(piece, sums);\n}\n}\n}\n\n@compute @workgroup_size(LANE_THREADS)\nfn join_norms_lane(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet piece = (group.x + group.y * groups.x) * LANE_THREADS + lane;\nif (piece >= arguments.pieces) {\nreturn;\n}\nlet begin = piece * arguments.piece;\nlet sums = triples_of(begin, min(begin + arguments.piece, arguments.count), 1u);\nif (arguments.pieces == 1u) {\ny[arguments.y_at] = norm_of(sums);\n} else {\nwrite_sums(piece, sums);\n}\n}\n",
  },
  'kv-append': {
    uniform: 0,
    bindings: [
      { name: 'cache', index: 1, writes: true, unit: 4 },
      { name: 'x', index: 2, writes: false, unit: 4 },
      { name: 'position', index: 3, writes: false, unit: 4 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'tokens', type: 'u32' },
      { name: 'length', type: 'u32' },
      { name: 'first', type: 'u32' },
      { name: 'bound', type: 'u32' },
      { name: 'places', type: 'u32' },
      { name: 'cacheAt', type: 'u32', view: 'cache' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'positionAt', type: 'u32', view: 'position' },
    ],
    overrides: [],
    source: FLAT + PLACES + "//:5\nstruct Arguments {\ncount: u32,\n\nwidth: u32,\ntokens: u32,\nlength: u32,\n\nfirst: u32,\nbound: u32,\n\nplaces: u32,\ncache_at: u32,\nx_at: u32,\nposition_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read_write> cache: array<u32>;\n@group(0) @binding(2) var<storage, read> x: array<u32>;\n@group(0) @binding(3) var<storage, read> position: array<i32>;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn kv_append(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.count) {\nreturn;\n}\nlet row = i / arguments.width;\nlet batch = row / arguments.tokens;\nlet token = i32(row % arguments.tokens);\nlet start = position[arguments.position_at + select(0u, batch, has(HAS_EACH))];\nif (start < -token || start >= i32(arguments.length) - token) {\nreturn;\n}\nlet place = batch * arguments.length + u32(start + token);\nif (place < arguments.first || place - arguments.first >= arguments.bound) {\nreturn;\n}\ncache[arguments.cache_at + (place - arguments.first) * arguments.width + i % arguments.width] = x[arguments.x_at + i];\n}\n",
  },
  'matmul-matrices-16': {
    uniform: 0,
    bindings: [
      { name: 'a', index: 1, writes: false, unit: 4 },
      { name: 'b', index: 2, writes: false, unit: 4 },
      { name: 'y', index: 3, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'm', type: 'u32' },
      { name: 'n', type: 'u32' },
      { name: 'k', type: 'u32' },
      { name: 'aRow', type: 'u32' },
      { name: 'bRow', type: 'u32' },
      { name: 'aAt', type: 'u32', view: 'a' },
      { name: 'bAt', type: 'u32', view: 'b' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: ['transpose_a', 'transpose_b', 'accumulate', 'threads'],
    source: "enable f16;\nenable subgroups;\nenable chromium_experimental_subgroup_matrix;\n" + "//:5\nconst MATRIX = 16u;\n\nconst SIDE = 4u;\nalias Left = subgroup_matrix_left<f16, 16, 16>;\nalias Right = subgroup_matrix_right<f16, 16, 16>;\nalias Sum = subgroup_matrix_result<f32, 16, 16>;\n" + MATMUL_MATRICES + MATMUL_MATRICES_8,
  },
  'matmul-matrices-8': {
    uniform: 0,
    bindings: [
      { name: 'a', index: 1, writes: false, unit: 4 },
      { name: 'b', index: 2, writes: false, unit: 4 },
      { name: 'y', index: 3, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'm', type: 'u32' },
      { name: 'n', type: 'u32' },
      { name: 'k', type: 'u32' },
      { name: 'aRow', type: 'u32' },
      { name: 'bRow', type: 'u32' },
      { name: 'aAt', type: 'u32', view: 'a' },
      { name: 'bAt', type: 'u32', view: 'b' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: ['transpose_a', 'transpose_b', 'accumulate', 'threads'],
    source: "enable f16;\nenable subgroups;\nenable chromium_experimental_subgroup_matrix;\n" + "//:5\nconst MATRIX = 8u;\n\nconst SIDE = 8u;\nalias Left = subgroup_matrix_left<f16, 8, 8>;\nalias Right = subgroup_matrix_right<f16, 8, 8>;\nalias Sum = subgroup_matrix_result<f32, 8, 8>;\n" + MATMUL_MATRICES + MATMUL_MATRICES_8,
  },
  'matmul-sum': {
    uniform: 0,
    bindings: [
      { name: 'partial', index: 1, writes: false, unit: 4 },
      { name: 'add', index: 2, writes: false, unit: 4 },
      { name: 'y', index: 3, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'size', type: 'u32' },
      { name: 'splits', type: 'u32' },
      { name: 'partialAt', type: 'u32', view: 'partial' },
      { name: 'addAt', type: 'u32', view: 'add' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: ['begin_with'],
    source: "//:2\nstruct Arguments {\nsize: u32,\nsplits: u32,\npartial_at: u32,\nadd_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> partial: array<f32>;\n@group(0) @binding(2) var<storage, read> add: array<f32>;\n@group(0) @binding(3) var<storage, read_write> y: array<f32>;\n\noverride begin_with: u32 = 0u;\n\n@compute @workgroup_size(64)\nfn sum(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(num_workgroups) groups: vec3u) {\nlet i = (group.x + group.y * groups.x) * 64u + lane;\nif (i >= arguments.size) {\nreturn;\n}\nvar total = 0.0;\nfor (var split = 0u; split < arguments.splits; split++) {\ntotal += partial[arguments.partial_at + split * arguments.size + i];\n}\nif (begin_with == 1u) {\ntotal += add[arguments.add_at + i];\n} else if (begin_with == 2u) {\ntotal += y[arguments.y_at + i];\n}\ny[arguments.y_at + i] = total;\n}\n",
  },
  'matmul-vec4': {
    uniform: 0,
    bindings: [
      { name: 'a', index: 1, writes: false, unit: 16 },
      { name: 'b', index: 2, writes: false, unit: 16 },
      { name: 'add', index: 3, writes: false, unit: 16 },
      { name: 'y', index: 4, writes: true, unit: 16 },
    ],
    fields: [
      { name: 'm', type: 'u32' },
      { name: 'n', type: 'u32' },
      { name: 'k', type: 'u32' },
      { name: 'aRow', type: 'u32' },
      { name: 'bRow', type: 'u32' },
      { name: 'yRow', type: 'u32' },
      { name: 'aMatrix', type: 'u32' },
      { name: 'bMatrix', type: 'u32' },
      { name: 'yMatrix', type: 'u32' },
      { name: 'tilesM', type: 'u32' },
      { name: 'tilesN', type: 'u32' },
      { name: 'workgroups', type: 'u32' },
      { name: 'splits', type: 'u32' },
      { name: 'kOfSplit', type: 'u32' },
      { name: 'aAt', type: 'u32', view: 'a' },
      { name: 'bAt', type: 'u32', view: 'b' },
      { name: 'addAt', type: 'u32', view: 'add' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: ['transpose_a', 'transpose_b', 'begin_with', 'tile_m', 'tile_n', 'tile_k', 'threads', 'across', 'rows'],
    source: MATMUL_PLACE + MATMUL_PRODUCTS + "//:3\nstruct Arguments {\nm: u32,\nn: u32,\nk: u32,\n\na_row: u32,\nb_row: u32,\ny_row: u32,\na_matrix: u32,\nb_matrix: u32,\ny_matrix: u32,\n\ntiles_m: u32,\ntiles_n: u32,\nworkgroups: u32,\n\nsplits: u32,\nk_of_split: u32,\na_at: u32,\nb_at: u32,\nadd_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> a: array<vec4f>;\n@group(0) @binding(2) var<storage, read> b: array<vec4f>;\n@group(0) @binding(3) var<storage, read> add: array<vec4f>;\n@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;\n\nfn load_a(matrix: u32, m: u32, k: u32) -> mat4x4f {\nvar block = mat4x4f();\nif (m >= arguments.m || k >= arguments.k) {\nreturn block;\n}\nlet row = arguments.a_row / 4u;\nlet first = arguments.a_at + matrix * (arguments.a_matrix / 4u);\nif (transpose_a) {\nlet at = first + k * row + m / 4u;\nblock[0] = a[at];\nif (k + 3u < arguments.k) {\nblock[1] = a[at + row];\nblock[2] = a[at + 2u * row];\nblock[3] = a[at + 3u * row];\n} else {\nif (k + 1u < arguments.k) {\nblock[1] = a[at + row];\n}\nif (k + 2u < arguments.k) {\nblock[2] = a[at + 2u * row];\n}\n}\nreturn transpose(block);\n}\nlet at = first + m * row + k / 4u;\nblock[0] = a[at];\nif (m + 3u < arguments.m) {\nblock[1] = a[at + row];\nblock[2] = a[at + 2u * row];\nblock[3] = a[at + 3u * row];\n} else {\nif (m + 1u < arguments.m) {\nblock[1] = a[at + row];\n}\nif (m + 2u < arguments.m) {\nblock[2] = a[at + 2u * row];\n}\n}\nreturn block;\n}\n\nfn load_b(matrix: u32, k: u32, n: u32) -> mat4x4f {\nvar block = mat4x4f();\nif (n >= arguments.n || k >= arguments.k) {\nreturn block;\n}\nlet row = arguments.b_row / 4u;\nlet first = arguments.b_at + matrix * (arguments.b_matrix / 4u);\nif (transpose_b) {\nlet at = first + n * row + k / 4u;\nblock[0] = b[at];\nif (n + 3u < arguments.n) {\nblock[1] = b[at + row];\nblock[2] = b[at + 2u * row];\nblock[3] = b[at + 3u * row];\n} else {\nif (n + 1u < arguments.n) {\nblock[1] = b[at + row];\n}\nif (n + 2u < arguments.n) {\nblock[2] = b[at + 2u * row];\n}\n}\nreturn transpose(block);\n}\nlet at = first + k * row + n / 4u;\nblock[0] = b[at];\nif (k + 3u < arguments.k) {\nblock[1] = b[at + row];\nblock[2] = b[at + 2u * row];\nblock[3] = b[at + 3u * row];\n} else {\nif (k + 1u < arguments.k) {\nblock[1] = b[at + row];\n}\nif (k + 2u < arguments.k) {\nblock[2] = b[at + 2u * row];\n}\n}\nreturn block;\n}\n\nfn store_y(matrix: u32, row: u32, column: u32, sums: vec4f) {\nif (row >= arguments.m || column >= arguments.n) {\nreturn;\n}\nlet at = (matrix * arguments.y_matrix + row * arguments.y_row + column) / 4u;\nvar value = sums;\nif (begin_with == 1u) {\nvalue += add[arguments.add_at + at];\n} else if (begin_with == 2u) {\nvalue += y[arguments.y_at + at];\n}\ny[arguments.y_at + at] = value;\n}\n\n@compute @workgroup_size(threads)\nfn tiled(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(num_workgroups) groups: vec3u) {\ntiled_product(group.x + group.y * groups.x, lane);\n}\n\n@compute @workgroup_size(64)\nfn direct(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(num_workgroups) groups: vec3u) {\ndirect_product(group.x + group.y * groups.x, lane);\n}\n\n@compute @workgroup_size(FEW_THREADS)\nfn few(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(num_workgroups) groups: vec3u) {\nfew_product(group.x + group.y * groups.x, lane);\n}\n\n\nfn four_of_a(at: u32, row: u32) -> mat4x4f {\nreturn mat4x4f(a[at], a[at + row], a[at + 2u * row], a[at + 3u * row]);\n}\n\nfn four_of_b(at: u32, row: u32) -> mat4x4f {\nreturn mat4x4f(b[at], b[at + row], b[at + 2u * row], b[at + 3u * row]);\n}\n\n\n@compute @workgroup_size(64)\nfn direct8(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(num_workgroups) groups: vec3u) {\nlet index = group.x + group.y * groups.x;\nif (index >= arguments.workgroups) {\nreturn;\n}\nlet place = place_of(index);\nlet m = (place.tile_m * (64u / across) + lane / across) * 8u;\nlet n = (place.tile_n * across + lane % across) * 8u;\nif (m >= arguments.m || n >= arguments.n) {\nreturn;\n}\nlet a_row = arguments.a_row / 4u;\nlet b_row = arguments.b_row / 4u;\n\nlet a_step = select(1u, 4u * a_row, transpose_a);\nlet a_half = select(4u * a_row, 1u, transpose_a);\nlet b_step = select(4u * b_row, 1u, transpose_b);\nlet b_half = select(1u, 4u * b_row, transpose_b);\nvar a_place = arguments.a_at + place.matrix * (arguments.a_matrix / 4u) + select(m * a_row, m / 4u, transpose_a);\nvar b_place = arguments.b_at + place.matrix * (arguments.b_matrix / 4u) + select(n / 4u, n * b_row, transpose_b);\nvar upper_left = mat4x4f();\nvar upper_right = mat4x4f();\nvar lower_left = mat4x4f();\nvar lower_right = mat4x4f();\nfor (var k = 0u; k < arguments.k; k += 4u) {\nvar upper = four_of_a(a_place, a_row);\nvar lower = four_of_a(a_place + a_half, a_row);\nvar left = four_of_b(b_place, b_row);\nvar right = four_of_b(b_place + b_half, b_row);\nif (transpose_a) {\nupper = transpose(upper);\nlower = transpose(lower);\n}\nif (transpose_b) {\nleft = transpose(left);\nright = transpose(right);\n}\nupper_left += left * upper;\nupper_right += right * upper;\nlower_left += left * lower;\nlower_right += right * lower;\na_place += a_step;\nb_place += b_step;\n}\nstore_rows(place.matrix, m, n, upper_left[0], upper_left[1], upper_left[2], upper_left[3]);\nstore_rows(place.matrix, m, n + 4u, upper_right[0], upper_right[1], upper_right[2], upper_right[3]);\nstore_rows(place.matrix, m + 4u, n, lower_left[0], lower_left[1], lower_left[2], lower_left[3]);\nstore_rows(place.matrix, m + 4u, n + 4u, lower_right[0], lower_right[1], lower_right[2], lower_right[3]);\n}\n",
  },
  'matmul-whole': {
    uniform: 0,
    bindings: [
      { name: 'a', index: 1, writes: false, unit: 16 },
      { name: 'b', index: 2, writes: false, unit: 16 },
      { name: 'add', index: 3, writes: false, unit: 16 },
      { name: 'y', index: 4, writes: true, unit: 16 },
    ],
    fields: [
      { name: 'm', type: 'u32' },
      { name: 'n', type: 'u32' },
      { name: 'k', type: 'u32' },
      { name: 'aRow', type: 'u32' },
      { name: 'bRow', type: 'u32' },
      { name: 'yRow', type: 'u32' },
      { name: 'aMatrix', type: 'u32' },
      { name: 'bMatrix', type: 'u32' },
      { name: 'yMatrix', type: 'u32' },
      { name: 'tilesM', type: 'u32' },
      { name: 'tilesN', type: 'u32' },
      { name: 'workgroups', type: 'u32' },
      { name: 'splits', type: 'u32' },
      { name: 'kOfSplit', type: 'u32' },
      { name: 'aAt', type: 'u32', view: 'a' },
      { name: 'bAt', type: 'u32', view: 'b' },
      { name: 'addAt', type: 'u32', view: 'add' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: ['transpose_a', 'transpose_b', 'begin_with'],
    source: "//:4\nconst TILE: u32 = 128u;\nconst TILE_K: u32 = 16u;\nconst VECTORS: u32 = TILE / 4u;\nconst BLOCKS_K: u32 = TILE_K / 4u;\n\nconst SIDE: u32 = VECTORS / 2u;\n\nconst BLOCKS: u32 = VECTORS * BLOCKS_K;\n\nconst TURN: u32 = 2u;\n" + MATMUL_PLACE + "//:16\nstruct Arguments {\nm: u32,\nn: u32,\nk: u32,\n\na_row: u32,\nb_row: u32,\ny_row: u32,\na_matrix: u32,\nb_matrix: u32,\ny_matrix: u32,\n\ntiles_m: u32,\ntiles_n: u32,\nworkgroups: u32,\n\nsplits: u32,\nk_of_split: u32,\na_at: u32,\nb_at: u32,\nadd_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> a: array<vec4f>;\n@group(0) @binding(2) var<storage, read> b: array<vec4f>;\n@group(0) @binding(3) var<storage, read> add: array<vec4f>;\n@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;\n\noverride transpose_a: bool = false;\noverride transpose_b: bool = false;\n\noverride begin_with: u32 = 0u;\n\n\nvar<workgroup> a_tile: array<array<array<vec4f, VECTORS>, 4>, BLOCKS_K>;\nvar<workgroup> b_tile: array<array<array<vec4f, VECTORS>, 4>, BLOCKS_K>;\n\n\nstruct Block {\nof_a: bool,\nat: u32,\n\nhop: u32,\nstep: u32,\nacross_k: u32,\ncolumn: u32,\n}\n\n\nfn block_of(index: u32, place: Place, k: u32) -> Block {\nif (index < BLOCKS) {\nlet across_k = select(index % BLOCKS_K, index / VECTORS, transpose_a);\nlet across_m = select(index / BLOCKS_K, index % VECTORS, transpose_a);\nlet row = arguments.a_row / 4u;\nlet first = arguments.a_at + place.matrix * (arguments.a_matrix / 4u);\nlet m = min(place.tile_m * TILE + across_m * 4u, arguments.m - 4u);\nlet at_k = k + across_k * 4u;\nif (transpose_a) {\nreturn Block(true, first + at_k * row + m / 4u, row, TILE_K * row, across_k, across_m);\n}\nreturn Block(true, first + m * row + at_k / 4u, row, BLOCKS_K, across_k, across_m ^ (across_k * TURN));\n}\nlet of_b = index - BLOCKS;\nlet across_k = select(of_b / VECTORS, of_b % BLOCKS_K, transpose_b);\nlet across_n = select(of_b % VECTORS, of_b / BLOCKS_K, transpose_b);\nlet row = arguments.b_row / 4u;\nlet first = arguments.b_at + place.matrix * (arguments.b_matrix / 4u);\nlet n = min(place.tile_n * TILE + across_n * 4u, arguments.n - 4u);\nlet at_k = k + across_k * 4u;\nif (transpose_b) {\nreturn Block(false, first + n * row + at_k / 4u, row, BLOCKS_K, across_k, across_n ^ (across_k * TURN));\n}\nreturn Block(false, first + at_k * row + n / 4u, row, TILE_K * row, across_k, across_n);\n}\n\nfn load_block(block: Block) -> mat4x4f {\nlet at = block.at;\nlet hop = block.hop;\nif (block.of_a) {\nreturn mat4x4f(a[at], a[at + hop], a[at + 2u * hop], a[at + 3u * hop]);\n}\nreturn mat4x4f(b[at], b[at + hop], b[at + 2u * hop], b[at + 3u * hop]);\n}\n\nfn store_block(block: Block, loaded: mat4x4f) {\nlet at = block.across_k;\nvar values = loaded;\nif (select(transpose_b, !transpose_a, block.of_a)) {\nvalues = transpose(loaded);\n}\nif (block.of_a) {\na_tile[at][0][block.column] = values[0];\na_tile[at][1][block.column] = values[1];\na_tile[at][2][block.column] = values[2];\na_tile[at][3][block.column] = values[3];\nreturn;\n}\nb_tile[at][0][block.column] = values[0];\nb_tile[at][1][block.column] = values[1];\nb_tile[at][2][block.column] = values[2];\nb_tile[at][3][block.column] = values[3];\n}\n\n\nstruct Sums {\nleft: mat4x4f,\nright: mat4x4f,\n}\n\nfn add_products(sums: ptr<function, Sums>, rows: vec4f, left: vec4f, right: vec4f) {\n(*sums).left[0] = fma(vec4f(rows.x), left, (*sums).left[0]);\n(*sums).left[1] = fma(vec4f(rows.y), left, (*sums).left[1]);\n(*sums).left[2] = fma(vec4f(rows.z), left, (*sums).left[2]);\n(*sums).left[3] = fma(vec4f(rows.w), left, (*sums).left[3]);\n(*sums).right[0] = fma(vec4f(rows.x), right, (*sums).right[0]);\n(*sums).right[1] = fma(vec4f(rows.y), right, (*sums).right[1]);\n(*sums).right[2] = fma(vec4f(rows.z), right, (*sums).right[2]);\n(*sums).right[3] = fma(vec4f(rows.w), right, (*sums).right[3]);\n}\n\nfn store_sums(matrix: u32, row: u32, column: u32, sums: mat4x4f) {\nstore_y(matrix, row, column, sums[0]);\nstore_y(matrix, row + 1u, column, sums[1]);\nstore_y(matrix, row + 2u, column, sums[2]);\nstore_y(matrix, row + 3u, column, sums[3]);\n}\n\nfn store_y(matrix: u32, row: u32, column: u32, sums: vec4f) {\nif (row >= arguments.m || column >= arguments.n) {\nreturn;\n}\nlet at = (matrix * arguments.y_matrix + row * arguments.y_row + column) / 4u;\nvar value = sums;\nif (begin_with == 1u) {\nvalue += add[arguments.add_at + at];\n} else if (begin_with == 2u) {\nvalue += y[arguments.y_at + at];\n}\ny[arguments.y_at + at] = value;\n}\n\n@compute @workgroup_size(256)\nfn whole(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(num_workgroups) groups: vec3u) {\nlet index = group.x + group.y * groups.x;\nif (index >= arguments.workgroups) {\nreturn;\n}\nlet place = place_of(index);\nlet k_begin = place.split * arguments.k_of_split;\nlet k_end = min(arguments.k, k_begin + arguments.k_of_split);\n\nlet x = lane / 32u % (SIDE / 8u) * 8u + lane % 8u;\nlet y_place = lane / 32u / (SIDE / 8u) * 4u + lane % 32u / 8u;\nvar brought = block_of(lane, place, k_begin);\nvar values = mat4x4f();\nif (k_begin < k_end) {\nvalues = load_block(brought);\n}\nvar upper = Sums();\nvar lower = Sums();\nfor (var k = k_begin; k < k_end; k += TILE_K) {\nworkgroupBarrier();\nstore_block(brought, values);\nworkgroupBarrier();\nif (k + TILE_K < k_end) {\nbrought.at += brought.step;\nvalues = load_block(brought);\n}\nfor (var block = 0u; block < BLOCKS_K; block++) {\nlet row = y_place ^ select(block * TURN, 0u, transpose_a);\nlet column = x ^ select(0u, block * TURN, transpose_b);\nlet left_0 = b_tile[block][0][column];\nlet right_0 = b_tile[block][0][column + SIDE];\nadd_products(&upper, a_tile[block][0][row], left_0, right_0);\nadd_products(&lower, a_tile[block][0][row + SIDE], left_0, right_0);\nlet left_1 = b_tile[block][1][column];\nlet right_1 = b_tile[block][1][column + SIDE];\nadd_products(&upper, a_tile[block][1][row], left_1, right_1);\nadd_products(&lower, a_tile[block][1][row + SIDE], left_1, right_1);\nlet left_2 = b_tile[block][2][column];\nlet right_2 = b_tile[block][2][column + SIDE];\nadd_products(&upper, a_tile[block][2][row], left_2, right_2);\nadd_products(&lower, a_tile[block][2][row + SIDE], left_2, right_2);\nlet left_3 = b_tile[block][3][column];\nlet right_3 = b_tile[block][3][column + SIDE];\nadd_products(&upper, a_tile[block][3][row], left_3, right_3);\nadd_products(&lower, a_tile[block][3][row + SIDE], left_3, right_3);\n}\n}\nlet row = place.tile_m * TILE + y_place * 4u;\nlet column = place.tile_n * TILE + x * 4u;\nlet matrix = target_of(place);\nstore_sums(matrix, row, column, upper.left);\nstore_sums(matrix, row, column + TILE / 2u, upper.right);\nstore_sums(matrix, row + TILE / 2u, column, lower.left);\nstore_sums(matrix, row + TILE / 2u, column + TILE / 2u, lower.right);\n}\n",
  },
  'matmul': {
    uniform: 0,
    bindings: [
      { name: 'a', index: 1, writes: false, unit: 4 },
      { name: 'b', index: 2, writes: false, unit: 4 },
      { name: 'add', index: 3, writes: false, unit: 4 },
      { name: 'y', index: 4, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'm', type: 'u32' },
      { name: 'n', type: 'u32' },
      { name: 'k', type: 'u32' },
      { name: 'aRow', type: 'u32' },
      { name: 'bRow', type: 'u32' },
      { name: 'yRow', type: 'u32' },
      { name: 'aMatrix', type: 'u32' },
      { name: 'bMatrix', type: 'u32' },
      { name: 'yMatrix', type: 'u32' },
      { name: 'tilesM', type: 'u32' },
      { name: 'tilesN', type: 'u32' },
      { name: 'workgroups', type: 'u32' },
      { name: 'splits', type: 'u32' },
      { name: 'kOfSplit', type: 'u32' },
      { name: 'aAt', type: 'u32', view: 'a' },
      { name: 'bAt', type: 'u32', view: 'b' },
      { name: 'addAt', type: 'u32', view: 'add' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: ['transpose_a', 'transpose_b', 'begin_with', 'tile_m', 'tile_n', 'tile_k', 'threads', 'across', 'rows'],
    source: MATMUL_PLACE + MATMUL_PRODUCTS + "//:3\nstruct Arguments {\nm: u32,\nn: u32,\nk: u32,\n\na_row: u32,\nb_row: u32,\ny_row: u32,\na_matrix: u32,\nb_matrix: u32,\ny_matrix: u32,\n\ntiles_m: u32,\ntiles_n: u32,\nworkgroups: u32,\n\nsplits: u32,\nk_of_split: u32,\na_at: u32,\nb_at: u32,\nadd_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> a: array<f32>;\n@group(0) @binding(2) var<storage, read> b: array<f32>;\n@group(0) @binding(3) var<storage, read> add: array<f32>;\n@group(0) @binding(4) var<storage, read_write> y: array<f32>;\n\n\nfn a_at_most(at: u32, first: u32, length: u32) -> vec4f {\nif (first + 3u < length) {\nreturn vec4f(a[at], a[at + 1u], a[at + 2u], a[at + 3u]);\n}\nvar values = vec4f(a[at], 0.0, 0.0, 0.0);\nif (first + 1u < length) {\nvalues.y = a[at + 1u];\n}\nif (first + 2u < length) {\nvalues.z = a[at + 2u];\n}\nreturn values;\n}\n\nfn b_at_most(at: u32, first: u32, length: u32) -> vec4f {\nif (first + 3u < length) {\nreturn vec4f(b[at], b[at + 1u], b[at + 2u], b[at + 3u]);\n}\nvar values = vec4f(b[at], 0.0, 0.0, 0.0);\nif (first + 1u < length) {\nvalues.y = b[at + 1u];\n}\nif (first + 2u < length) {\nvalues.z = b[at + 2u];\n}\nreturn values;\n}\n\nfn load_a(matrix: u32, m: u32, k: u32) -> mat4x4f {\nvar block = mat4x4f();\nif (m >= arguments.m || k >= arguments.k) {\nreturn block;\n}\nlet row = arguments.a_row;\nlet first = arguments.a_at + matrix * arguments.a_matrix;\nlet at = first + select(m * row + k, k * row + m, transpose_a);\nlet rows = select(arguments.m - m, arguments.k - k, transpose_a);\nlet column = select(k, m, transpose_a);\nlet length = select(arguments.k, arguments.m, transpose_a);\nblock[0] = a_at_most(at, column, length);\nif (rows > 1u) {\nblock[1] = a_at_most(at + row, column, length);\n}\nif (rows > 2u) {\nblock[2] = a_at_most(at + 2u * row, column, length);\n}\nif (rows > 3u) {\nblock[3] = a_at_most(at + 3u * row, column, length);\n}\nif (transpose_a) {\nreturn transpose(block);\n}\nreturn block;\n}\n\nfn load_b(matrix: u32, k: u32, n: u32) -> mat4x4f {\nvar block = mat4x4f();\nif (n >= arguments.n || k >= arguments.k) {\nreturn block;\n}\nlet row = arguments.b_row;\nlet first = arguments.b_at + matrix * arguments.b_matrix;\nlet at = first + select(k * row + n, n * row + k, transpose_b);\nlet rows = select(arguments.k - k, arguments.n - n, transpose_b);\nlet column = select(n, k, transpose_b);\nlet length = select(arguments.n, arguments.k, transpose_b);\nblock[0] = b_at_most(at, column, length);\nif (rows > 1u) {\nblock[1] = b_at_most(at + row, column, length);\n}\nif (rows > 2u) {\nblock[2] = b_at_most(at + 2u * row, column, length);\n}\nif (rows > 3u) {\nblock[3] = b_at_most(at + 3u * row, column, length);\n}\nif (transpose_b) {\nreturn transpose(block);\n}\nreturn block;\n}\n\nfn store_y(matrix: u32, row: u32, column: u32, sums: vec4f) {\nif (row >= arguments.m) {\nreturn;\n}\nlet at = matrix * arguments.y_matrix + row * arguments.y_row;\nfor (var j = 0u; j < 4u && column + j < arguments.n; j++) {\nlet place = at + column + j;\nvar value = sums[j];\nif (begin_with == 1u) {\nvalue += add[arguments.add_at + place];\n} else if (begin_with == 2u) {\nvalue += y[arguments.y_at + place];\n}\ny[arguments.y_at + place] = value;\n}\n}\n\n@compute @workgroup_size(threads)\nfn tiled(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(num_workgroups) groups: vec3u) {\ntiled_product(group.x + group.y * groups.x, lane);\n}\n\n@compute @workgroup_size(64)\nfn direct(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(num_workgroups) groups: vec3u) {\ndirect_product(group.x + group.y * groups.x, lane);\n}\n\n@compute @workgroup_size(FEW_THREADS)\nfn few(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(num_workgroups) groups: vec3u) {\nfew_product(group.x + group.y * groups.x, lane);\n}\n",
  },
  'merge-word': {
    uniform: 0,
    bindings: [
      { name: 'words', index: 1, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'mask', type: 'u32' },
      { name: 'value', type: 'u32' },
      { name: 'wordsAt', type: 'u32', view: 'words' },
    ],
    overrides: [],
    source: "//:2\nstruct Arguments {\nmask: u32,\nvalue: u32,\nwords_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read_write> words: array<u32>;\n\n@compute @workgroup_size(1)\nfn merge_word() {\nlet at = arguments.words_at;\nwords[at] = (words[at] & ~arguments.mask) | (arguments.value & arguments.mask);\n}\n",
  },
  'norm-backward-subgroups': {
    uniform: 0,
    bindings: [
      { name: 'dy', index: 1, writes: false, unit: 16 },
      { name: 'x', index: 2, writes: false, unit: 16 },
      { name: 'weight', index: 3, writes: false, unit: 16 },
      { name: 'inverse_rms', index: 4, writes: false, unit: 4 },
      { name: 'dx', index: 5, writes: true, unit: 16 },
      { name: 'partial', index: 6, writes: true, unit: 16 },
    ],
    fields: [
      { name: 'rows', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'chunk', type: 'u32' },
      { name: 'dyAt', type: 'u32', view: 'dy' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'weightAt', type: 'u32', view: 'weight' },
      { name: 'inverseRmsAt', type: 'u32', view: 'inverse_rms' },
      { name: 'dxAt', type: 'u32', view: 'dx' },
      { name: 'partialAt', type: 'u32', view: 'partial' },
    ],
    overrides: ['team', 'smallest_subgroup', 'gated', 'with_weight', 'add', 'vectors'],
    source: "enable subgroups;\n" + ROWS_SUBGROUPS + BITS + EXPONENTIALS + ACTIVATIONS + NORM_BACKWARD_ROW + "//:6\n@compute @workgroup_size(team)\nfn norm_backward(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet number = group.x + group.y * groups.x;\nif (number * arguments.chunk < arguments.rows) {\nnorm_backward_rows(number, lane);\n}\n}\n",
  },
  'norm-backward-vec4': {
    uniform: 0,
    bindings: [
      { name: 'dy', index: 1, writes: false, unit: 16 },
      { name: 'x', index: 2, writes: false, unit: 16 },
      { name: 'weight', index: 3, writes: false, unit: 16 },
      { name: 'inverse_rms', index: 4, writes: false, unit: 4 },
      { name: 'dx', index: 5, writes: true, unit: 16 },
      { name: 'partial', index: 6, writes: true, unit: 16 },
    ],
    fields: [
      { name: 'rows', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'chunk', type: 'u32' },
      { name: 'dyAt', type: 'u32', view: 'dy' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'weightAt', type: 'u32', view: 'weight' },
      { name: 'inverseRmsAt', type: 'u32', view: 'inverse_rms' },
      { name: 'dxAt', type: 'u32', view: 'dx' },
      { name: 'partialAt', type: 'u32', view: 'partial' },
    ],
    overrides: ['team', 'gated', 'with_weight', 'add', 'vectors'],
    source: ROWS + BITS + EXPONENTIALS + ACTIVATIONS + NORM_BACKWARD_ROW + "//:5\n@compute @workgroup_size(team)\nfn norm_backward(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet number = group.x + group.y * groups.x;\nif (number * arguments.chunk < arguments.rows) {\nnorm_backward_rows(number, lane);\n}\n}\n",
  },
  'norm-backward': {
    uniform: 0,
    bindings: [
      { name: 'dy', index: 1, writes: false, unit: 4 },
      { name: 'x', index: 2, writes: false, unit: 4 },
      { name: 'weight', index: 3, writes: false, unit: 4 },
      { name: 'inverse_rms', index: 4, writes: false, unit: 4 },
      { name: 'dx', index: 5, writes: true, unit: 4 },
      { name: 'partial', index: 6, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'rows', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'chunk', type: 'u32' },
      { name: 'dyAt', type: 'u32', view: 'dy' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'weightAt', type: 'u32', view: 'weight' },
      { name: 'inverseRmsAt', type: 'u32', view: 'inverse_rms' },
      { name: 'dxAt', type: 'u32', view: 'dx' },
      { name: 'partialAt', type: 'u32', view: 'partial' },
    ],
    overrides: ['team', 'gated', 'with_weight', 'add'],
    source: FLAT + ROWS + BITS + EXPONENTIALS + ACTIVATIONS + "//:7\nstruct Arguments {\nrows: u32,\nwidth: u32,\nchunk: u32,\ndy_at: u32,\nx_at: u32,\nweight_at: u32,\ninverse_rms_at: u32,\ndx_at: u32,\npartial_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> dy: array<f32>;\n@group(0) @binding(2) var<storage, read> x: array<f32>;\n@group(0) @binding(3) var<storage, read> weight: array<f32>;\n@group(0) @binding(4) var<storage, read> inverse_rms: array<f32>;\n@group(0) @binding(5) var<storage, read_write> dx: array<f32>;\n@group(0) @binding(6) var<storage, read_write> partial: array<f32>;\n\n\noverride gated: u32 = 0u;\noverride with_weight: bool = false;\n\noverride add: bool = false;\n\nconst LANE_THREADS = 16u;\n\nfn normed(row: u32, i: u32) -> f32 {\nif (gated == 0u) {\nreturn x[arguments.x_at + row * arguments.width + i];\n}\nlet at = arguments.x_at + 2u * row * arguments.width + i;\nreturn activation(gated, x[at]) * x[at + arguments.width];\n}\n\nfn weighted(row: u32, i: u32) -> f32 {\nlet d = dy[arguments.dy_at + row * arguments.width + i];\nif (with_weight) {\nreturn d * weight[arguments.weight_at + i];\n}\nreturn d;\n}\n\n\nfn product(row: u32, start: u32, step: u32) -> f32 {\nvar sum = 0.0;\nfor (var i = start; i < arguments.width; i += 16u * step) {\nvar four = vec4f();\nfor (var j = 0u; j < 16u; j++) {\nlet at = i + j * step;\nif (at < arguments.width) {\nfour[j & 3u] += weighted(row, at) * normed(row, at);\n}\n}\nsum += (four.x + four.y) + (four.z + four.w);\n}\nreturn sum;\n}\n\n\nfn write_gradient(row: u32, i: u32, inverse: f32, bend: f32) {\nlet h = normed(row, i);\nlet dh = inverse * fma(-h, bend, weighted(row, i));\nif (gated == 0u) {\nlet at = arguments.dx_at + row * arguments.width + i;\nif (add) {\ndx[at] += dh;\n} else {\ndx[at] = dh;\n}\nreturn;\n}\nlet from_at = arguments.x_at + 2u * row * arguments.width + i;\nlet at = arguments.dx_at + 2u * row * arguments.width + i;\ndx[at] = activation_slope(gated, x[from_at]) * (dh * x[from_at + arguments.width]);\ndx[at + arguments.width] = activation(gated, x[from_at]) * dh;\n}\n\nfn bend_of(sum: f32, inverse: f32) -> f32 {\nreturn inverse * (sum * inverse / f32(arguments.width));\n}\n\n@compute @workgroup_size(team)\nfn norm_backward(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet number = group.x + group.y * groups.x;\nlet begin = number * arguments.chunk;\nif (begin >= arguments.rows) {\nreturn;\n}\nlet end = min(begin + arguments.chunk, arguments.rows);\nlet sums = arguments.partial_at + number * arguments.width;\nfor (var row = begin; row < end; row++) {\nlet inverse = inverse_rms[arguments.inverse_rms_at + row];\nlet bend = bend_of(team_sum(product(row, lane, team), lane), inverse);\nfor (var i = lane; i < arguments.width; i += team) {\nif (with_weight) {\nlet share = dy[arguments.dy_at + row * arguments.width + i] * (normed(row, i) * inverse);\nif (row == begin) {\npartial[sums + i] = share;\n} else {\npartial[sums + i] += share;\n}\n}\nwrite_gradient(row, i, inverse, bend);\n}\n}\n}\n\n@compute @workgroup_size(LANE_THREADS)\nfn norm_backward_lane(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet row = (group.x + group.y * groups.x) * LANE_THREADS + lane;\nif (row >= arguments.rows) {\nreturn;\n}\nlet inverse = inverse_rms[arguments.inverse_rms_at + row];\nlet bend = bend_of(product(row, 0u, 1u), inverse);\nfor (var i = 0u; i < arguments.width; i++) {\nwrite_gradient(row, i, inverse, bend);\n}\n}\n\n\n@compute @workgroup_size(FLAT_THREADS)\nfn weight_gradient_lane(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet at = flat_index(group, groups, lane);\nlet number = at / arguments.width;\nlet i = at - number * arguments.width;\nlet begin = number * arguments.chunk;\nif (begin >= arguments.rows) {\nreturn;\n}\nlet end = min(begin + arguments.chunk, arguments.rows);\nvar sum = 0.0;\nfor (var row = begin; row < end; row++) {\nlet inverse = inverse_rms[arguments.inverse_rms_at + row];\nsum += dy[arguments.dy_at + row * arguments.width + i] * (normed(row, i) * inverse);\n}\npartial[arguments.partial_at + at] = sum;\n}\n",
  },
  'pack-ternary': {
    uniform: 0,
    bindings: [
      { name: 'w', index: 1, writes: false, unit: 4 },
      { name: 'y', index: 2, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'outputs', type: 'u32' },
      { name: 'channels', type: 'u32' },
      { name: 'inputs', type: 'u32' },
      { name: 'first', type: 'u32' },
      { name: 'row', type: 'u32' },
      { name: 'firstWord', type: 'u32' },
      { name: 'words', type: 'u32' },
      { name: 'wAt', type: 'u32', view: 'w' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: ['halves'],
    source: FLAT + BITS + BF16 + "//:6\nstruct Arguments {\n\noutputs: u32,\nchannels: u32,\n\ninputs: u32,\nfirst: u32,\n\nrow: u32,\nfirst_word: u32,\nwords: u32,\nw_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> w: array<u32>;\n@group(0) @binding(2) var<storage, read_write> y: array<u32>;\noverride halves: bool = false;\n\n\nconst SIDE = 16u;\n\nfn bits_at(at: u32) -> u32 {\nif (halves) {\nreturn half_of(w[at / 2u], at) << 16u;\n}\nreturn w[at];\n}\n\nfn code_at(output: u32, channel: u32) -> u32 {\nif (output >= arguments.outputs) {\nreturn 1u;\n}\nlet bits = bits_at(arguments.w_at + output * arguments.inputs + arguments.first + channel);\nlet magnitude = bits & 0x7fffffffu;\nif (magnitude == 0u || magnitude > NOT_FINITE) {\nreturn 1u;\n}\nreturn select(2u, 0u, bits >= 0x80000000u);\n}\n\n@compute @workgroup_size(FLAT_THREADS)\nfn pack_ternary(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nlet word = i / SIDE % arguments.words;\nlet channel = i / (SIDE * arguments.words) * SIDE + i % SIDE;\nif (channel >= arguments.channels) {\nreturn;\n}\nlet output = word / 16u * 256u + word % 16u * 4u;\nvar packed = 0u;\nfor (var field = 0u; field < 4u; field++) {\nfor (var byte = 0u; byte < 4u; byte++) {\npacked |= code_at(output + 64u * field + byte, channel) << (8u * byte + 2u * field);\n}\n}\ny[arguments.y_at / 4u + channel * arguments.row + arguments.first_word + word] = packed;\n}\n",
  },
  'permute-parts': {
    uniform: 0,
    bindings: [
      { name: 'x', index: 1, writes: false, unit: 4 },
      { name: 'y', index: 2, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'size1', type: 'u32' },
      { name: 'size2', type: 'u32' },
      { name: 'size3', type: 'u32' },
      { name: 'size4', type: 'u32' },
      { name: 'stride0', type: 'u32' },
      { name: 'stride1', type: 'u32' },
      { name: 'stride2', type: 'u32' },
      { name: 'stride3', type: 'u32' },
      { name: 'stride4', type: 'u32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: ['per_word'],
    source: FLAT + PARTS + PERMUTE_SOURCE + "//:5\nstruct Arguments {\ncount: u32,\nsize1: u32,\nsize2: u32,\nsize3: u32,\nsize4: u32,\nstride0: u32,\nstride1: u32,\nstride2: u32,\nstride3: u32,\nstride4: u32,\nx_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> x: array<u32>;\n@group(0) @binding(2) var<storage, read_write> y: array<u32>;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn permute(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet word = arguments.y_at / per_word + flat_index(group, groups, lane);\nvar bits = 0u;\nvar mask = 0u;\nfor (var place = 0u; place < per_word; place++) {\nlet at = word * per_word + place;\nif (at >= arguments.y_at && at < arguments.y_at + arguments.count) {\nlet source = arguments.x_at + source_of(at - arguments.y_at);\nbits |= part_of(x[source / per_word], source) << (place * (32u / per_word));\nmask |= part_mask(place);\n}\n}\nif (mask == 0xffffffffu) {\ny[word] = bits;\n} else if (mask != 0u) {\ny[word] = (y[word] & ~mask) | bits;\n}\n}\n",
  },
  'permute-tiles': {
    uniform: 0,
    bindings: [
      { name: 'x', index: 1, writes: false, unit: 4 },
      { name: 'y', index: 2, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'tiles', type: 'u32' },
      { name: 'rows', type: 'u32' },
      { name: 'columns', type: 'u32' },
      { name: 'rowTiles', type: 'u32' },
      { name: 'columnTiles', type: 'u32' },
      { name: 'size1', type: 'u32' },
      { name: 'size2', type: 'u32' },
      { name: 'xStride', type: 'u32' },
      { name: 'xStride0', type: 'u32' },
      { name: 'xStride1', type: 'u32' },
      { name: 'xStride2', type: 'u32' },
      { name: 'yStride', type: 'u32' },
      { name: 'yStride0', type: 'u32' },
      { name: 'yStride1', type: 'u32' },
      { name: 'yStride2', type: 'u32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: [],
    source: "//:3\nstruct Arguments {\ntiles: u32,\nrows: u32,\ncolumns: u32,\nrow_tiles: u32,\ncolumn_tiles: u32,\nsize1: u32,\nsize2: u32,\nx_stride: u32,\nx_stride0: u32,\nx_stride1: u32,\nx_stride2: u32,\ny_stride: u32,\ny_stride0: u32,\ny_stride1: u32,\ny_stride2: u32,\nx_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> x: array<u32>;\n@group(0) @binding(2) var<storage, read_write> y: array<u32>;\n\n\nconst SIDE = 32u;\nconst THREADS = 256u;\n\nvar<workgroup> tile: array<u32, 1056>;\n\n@compute @workgroup_size(THREADS)\nfn permute_tiles(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet number = group.x + group.y * groups.x;\nif (number >= arguments.tiles) {\nreturn;\n}\nlet rest = number / arguments.row_tiles;\nlet matrix = rest / arguments.column_tiles;\nlet i1 = matrix / arguments.size2;\nlet i2 = matrix - i1 * arguments.size2;\nlet i0 = i1 / arguments.size1;\nlet j1 = i1 - i0 * arguments.size1;\nlet x_first = arguments.x_at + i0 * arguments.x_stride0 + j1 * arguments.x_stride1 + i2 * arguments.x_stride2;\nlet y_first = arguments.y_at + i0 * arguments.y_stride0 + j1 * arguments.y_stride1 + i2 * arguments.y_stride2;\nlet first_row = (number - rest * arguments.row_tiles) * SIDE;\nlet first_column = (rest - matrix * arguments.column_tiles) * SIDE;\nlet along = lane % SIDE;\nfor (var i = lane / SIDE; i < SIDE; i += THREADS / SIDE) {\nlet row = first_row + i;\nlet column = first_column + along;\nif (row < arguments.rows && column < arguments.columns) {\ntile[i * (SIDE + 1u) + along] = x[x_first + row * arguments.x_stride + column];\n}\n}\nworkgroupBarrier();\nfor (var i = lane / SIDE; i < SIDE; i += THREADS / SIDE) {\nlet row = first_row + along;\nlet column = first_column + i;\nif (row < arguments.rows && column < arguments.columns) {\ny[y_first + column * arguments.y_stride + row] = tile[along * (SIDE + 1u) + i];\n}\n}\n}\n",
  },
  'permute-vec4': {
    uniform: 0,
    bindings: [
      { name: 'x', index: 1, writes: false, unit: 16 },
      { name: 'y', index: 2, writes: true, unit: 16 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'size1', type: 'u32' },
      { name: 'size2', type: 'u32' },
      { name: 'size3', type: 'u32' },
      { name: 'size4', type: 'u32' },
      { name: 'stride0', type: 'u32' },
      { name: 'stride1', type: 'u32' },
      { name: 'stride2', type: 'u32' },
      { name: 'stride3', type: 'u32' },
      { name: 'stride4', type: 'u32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: [],
    source: FLAT + PERMUTE_SOURCE + "//:4\nstruct Arguments {\ncount: u32,\nsize1: u32,\nsize2: u32,\nsize3: u32,\nsize4: u32,\nstride0: u32,\nstride1: u32,\nstride2: u32,\nstride3: u32,\nstride4: u32,\nx_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> x: array<vec4u>;\n@group(0) @binding(2) var<storage, read_write> y: array<vec4u>;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn permute(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.count) {\nreturn;\n}\ny[arguments.y_at + i] = x[arguments.x_at + source_of(i)];\n}\n",
  },
  'permute': {
    uniform: 0,
    bindings: [
      { name: 'x', index: 1, writes: false, unit: 4 },
      { name: 'y', index: 2, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'size1', type: 'u32' },
      { name: 'size2', type: 'u32' },
      { name: 'size3', type: 'u32' },
      { name: 'size4', type: 'u32' },
      { name: 'stride0', type: 'u32' },
      { name: 'stride1', type: 'u32' },
      { name: 'stride2', type: 'u32' },
      { name: 'stride3', type: 'u32' },
      { name: 'stride4', type: 'u32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: [],
    source: FLAT + PERMUTE_SOURCE + "//:4\nstruct Arguments {\ncount: u32,\nsize1: u32,\nsize2: u32,\nsize3: u32,\nsize4: u32,\nstride0: u32,\nstride1: u32,\nstride2: u32,\nstride3: u32,\nstride4: u32,\nx_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> x: array<u32>;\n@group(0) @binding(2) var<storage, read_write> y: array<u32>;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn permute(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.count) {\nreturn;\n}\ny[arguments.y_at + i] = x[arguments.x_at + source_of(i)];\n}\n",
  },
  'product-sum': {
    uniform: 0,
    bindings: [
      { name: 'partial', index: 1, writes: false, unit: 4 },
      { name: 'scale', index: 2, writes: false, unit: 4 },
      { name: 'scales', index: 3, writes: false, unit: 4 },
      { name: 'add', index: 4, writes: false, unit: 4 },
      { name: 'y', index: 5, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'lists', type: 'u32' },
      { name: 'outputs', type: 'u32' },
      { name: 'padded', type: 'u32' },
      { name: 'parts', type: 'u32' },
      { name: 'partialAt', type: 'u32', view: 'partial' },
      { name: 'scaleAt', type: 'u32', view: 'scale' },
      { name: 'scalesAt', type: 'u32', view: 'scales' },
      { name: 'addAt', type: 'u32', view: 'add' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: ['whole', 'with_scales', 'with_add'],
    source: FLAT + BITS + "//:5\nstruct Arguments {\nlists: u32,\noutputs: u32,\n\npadded: u32,\nparts: u32,\npartial_at: u32,\nscale_at: u32,\nscales_at: u32,\nadd_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> partial: array<u32>;\n@group(0) @binding(2) var<storage, read> scale: array<f32>;\n@group(0) @binding(3) var<storage, read> scales: array<f32>;\n@group(0) @binding(4) var<storage, read> add: array<f32>;\n@group(0) @binding(5) var<storage, read_write> y: array<f32>;\n\noverride whole: bool = false;\noverride with_scales: bool = false;\noverride with_add: bool = false;\n\n\nconst BROKEN = 0x80000000u;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn sum(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.lists * arguments.outputs) {\nreturn;\n}\nlet list = i / arguments.outputs;\nlet output = i - list * arguments.outputs;\nlet step = arguments.lists * arguments.padded;\nvar at = arguments.partial_at + list * arguments.padded + output;\nvar total = 0.0;\nvar sum_of_wholes = 0u;\nvar broken = 0u;\nvar left = arguments.parts;\nwhile (left > 0u) {\n\nlet b = at + select(0u, step, left > 1u);\nlet c = at + select(0u, 2u * step, left > 2u);\nlet d = at + select(0u, 3u * step, left > 3u);\nlet given = vec4u(partial[at], partial[b], partial[c], partial[d]);\nlet four = select(vec4u(0u), given, vec4u(0u, 1u, 2u, 3u) < vec4u(left));\nif (whole) {\nbroken |= select(0u, 1u, any(four == vec4u(BROKEN)));\nsum_of_wholes += (four.x + four.y) + (four.z + four.w);\n} else {\nlet floats = bitcast<vec4f>(four);\ntotal += (floats.x + floats.y) + (floats.z + floats.w);\n}\nat += 4u * step;\nleft -= min(left, 4u);\n}\nif (whole) {\ntotal = f32(bitcast<i32>(sum_of_wholes)) * scale[arguments.scale_at + list];\ntotal = bitcast<f32>(select(bitcast<u32>(total), NOT_FINITE + broken, broken != 0u));\n}\nif (with_scales) {\ntotal *= scales[arguments.scales_at + output];\n}\nif (with_add) {\ntotal += add[arguments.add_at + i];\n}\ny[arguments.y_at + i] = total;\n}\n",
  },
  'random': {
    uniform: 0,
    bindings: [
      { name: 'into', index: 1, writes: true, unit: 4 },
      { name: 'state', index: 2, writes: false, unit: 4 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'firstBlock', type: 'u32' },
      { name: 'factor', type: 'f32' },
      { name: 'intoAt', type: 'u32', view: 'into' },
      { name: 'stateAt', type: 'u32', view: 'state' },
    ],
    overrides: [],
    source: FLAT + PHILOX + "//:5\nstruct Arguments {\ncount: u32,\nfirst_block: u32,\nfactor: f32,\ninto_at: u32,\nstate_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read_write> into: array<f32>;\n@group(0) @binding(2) var<storage, read> state: array<u32>;\n\nfn block(offset: u32) -> vec4u {\nlet at = arguments.state_at;\nreturn philox(vec4u(state[at], state[at + 1u], state[at + 2u], state[at + 3u]), arguments.first_block + offset);\n}\n\n\n@compute @workgroup_size(FLAT_THREADS)\nfn random_uniform(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i * 4u >= arguments.count) {\nreturn;\n}\nlet words = block(i);\nfor (var j = 0u; j < 4u; j++) {\nif (i * 4u + j < arguments.count) {\ninto[arguments.into_at + i * 4u + j] = uniform_of(words[j]) * arguments.factor;\n}\n}\n}\n\n@compute @workgroup_size(FLAT_THREADS)\nfn random_normal(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.count) {\nreturn;\n}\nlet words = block(i);\nlet halves = (words & vec4u(0xffffu)) + (words >> vec4u(16u));\nlet sum = i32(halves.x + halves.y + halves.z + halves.w);\ninto[arguments.into_at + i] = f32(2 * sum - 8 * 65535) * arguments.factor;\n}\n",
  },
  'reduce-last': {
    uniform: 0,
    bindings: [
      { name: 'x', index: 1, writes: false, unit: 4 },
      { name: 'y', index: 2, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'rows', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'piece', type: 'u32' },
      { name: 'pieces', type: 'u32' },
      { name: 'divisor', type: 'f32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: ['team', 'largest', 'magnitudes'],
    source: BITS + ROWS + "//:6\nstruct Arguments {\nrows: u32,\nwidth: u32,\npiece: u32,\npieces: u32,\ndivisor: f32,\nx_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> x: array<f32>;\n@group(0) @binding(2) var<storage, read_write> y: array<f32>;\n\noverride largest: bool = false;\n\noverride magnitudes: bool = false;\n\nconst LANE_THREADS = 16u;\n\nconst TERMS = 16u;\n\n\nfn sum_of(first: u32, end: u32, step: u32) -> f32 {\nvar sum = 0.0;\nfor (var i = first; i < end; i += TERMS * step) {\nvar four = vec4f();\nfor (var j = 0u; j < TERMS; j += 4u) {\nfor (var k = 0u; k < 4u; k++) {\nlet at = i + (j + k) * step;\nif (at < end) {\nfour[k] += select(x[at], abs(x[at]) * 0x1p-32f, magnitudes);\n}\n}\n}\nsum += (four.x + four.y) + (four.z + four.w);\n}\nreturn sum;\n}\n\nfn largest_of(first: u32, end: u32, step: u32) -> u32 {\nvar order = 0u;\nfor (var i = first; i < end; i += step) {\norder = max(order, order_of(x[i]));\n}\nreturn order;\n}\n\n\nfn piece_of(number: u32) -> vec2u {\nlet row = number / arguments.pieces;\nlet begin = (number - row * arguments.pieces) * arguments.piece;\nreturn arguments.x_at + row * arguments.width + vec2u(begin, min(begin + arguments.piece, arguments.width));\n}\n\n@compute @workgroup_size(team)\nfn reduce_last(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet number = group.x + group.y * groups.x;\nif (number >= arguments.rows * arguments.pieces) {\nreturn;\n}\nlet bounds = piece_of(number);\nif (largest) {\nlet order = team_largest(largest_of(bounds.x + lane, bounds.y, team), lane);\nif (lane == 0u) {\ny[arguments.y_at + number] = from_order(order) / arguments.divisor;\n}\n} else {\nlet sum = team_sum(sum_of(bounds.x + lane, bounds.y, team), lane);\nif (lane == 0u) {\ny[arguments.y_at + number] = sum / arguments.divisor;\n}\n}\n}\n\n@compute @workgroup_size(LANE_THREADS)\nfn reduce_last_lane(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet number = (group.x + group.y * groups.x) * LANE_THREADS + lane;\nif (number >= arguments.rows * arguments.pieces) {\nreturn;\n}\nlet bounds = piece_of(number);\nif (largest) {\ny[arguments.y_at + number] = from_order(largest_of(bounds.x, bounds.y, 1u)) / arguments.divisor;\n} else {\ny[arguments.y_at + number] = sum_of(bounds.x, bounds.y, 1u) / arguments.divisor;\n}\n}\n",
  },
  'reduce-leading': {
    uniform: 0,
    bindings: [
      { name: 'x', index: 1, writes: false, unit: 4 },
      { name: 'y', index: 2, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'rows', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'piece', type: 'u32' },
      { name: 'count', type: 'u32' },
      { name: 'divisor', type: 'f32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: ['largest', 'add'],
    source: BITS + FLAT + "//:5\nstruct Arguments {\nrows: u32,\nwidth: u32,\npiece: u32,\ncount: u32,\ndivisor: f32,\nx_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> x: array<f32>;\n@group(0) @binding(2) var<storage, read_write> y: array<f32>;\n\noverride largest: bool = false;\noverride add: bool = false;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn reduce_leading(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.count) {\nreturn;\n}\nlet piece = i / arguments.width;\nlet column = i - piece * arguments.width;\nlet begin = piece * arguments.piece;\nlet end = min(begin + arguments.piece, arguments.rows);\nlet first = arguments.x_at + column;\nif (largest) {\nvar order = 0u;\nfor (var row = begin; row < end; row++) {\norder = max(order, order_of(x[first + row * arguments.width]));\n}\ny[arguments.y_at + i] = from_order(order) / arguments.divisor;\nreturn;\n}\n\nvar four = vec4f();\nfor (var row = begin; row < end; row += 4u) {\nfour.x += x[first + row * arguments.width];\nif (row + 1u < end) {\nfour.y += x[first + (row + 1u) * arguments.width];\n}\nif (row + 2u < end) {\nfour.z += x[first + (row + 2u) * arguments.width];\n}\nif (row + 3u < end) {\nfour.w += x[first + (row + 3u) * arguments.width];\n}\n}\nlet sum = ((four.x + four.y) + (four.z + four.w)) / arguments.divisor;\nif (add) {\ny[arguments.y_at + i] += sum;\n} else {\ny[arguments.y_at + i] = sum;\n}\n}\n",
  },
  'rope': {
    uniform: 0,
    bindings: [
      { name: 'x', index: 1, writes: false, unit: 4 },
      { name: 'table', index: 2, writes: false, unit: 4 },
      { name: 'position', index: 3, writes: false, unit: 4 },
      { name: 'y', index: 4, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'pairs', type: 'u32' },
      { name: 'half', type: 'u32' },
      { name: 'heads', type: 'u32' },
      { name: 'tokens', type: 'u32' },
      { name: 'length', type: 'u32' },
      { name: 'first', type: 'u32' },
      { name: 'sign', type: 'f32' },
      { name: 'places', type: 'u32' },
      { name: 'pairsOfRow', type: 'u32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'tableAt', type: 'u32', view: 'table' },
      { name: 'positionAt', type: 'u32', view: 'position' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: ['interleaved'],
    source: FLAT + BITS + TURN + PLACES + "//:5\nstruct Arguments {\npairs: u32,\nhalf: u32,\nheads: u32,\ntokens: u32,\nlength: u32,\n\nfirst: u32,\nsign: f32,\n\nplaces: u32,\n\npairs_of_row: u32,\nx_at: u32,\ntable_at: u32,\nposition_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> x: array<f32>;\n@group(0) @binding(2) var<storage, read> table: array<f32>;\n@group(0) @binding(3) var<storage, read> position: array<i32>;\n@group(0) @binding(4) var<storage, read_write> y: array<f32>;\noverride interleaved: bool = false;\n\nfn table_pair(i: u32) -> vec2f {\nlet at = arguments.table_at + 2u * i;\nreturn vec2f(table[at], table[at + 1u]);\n}\n\n@compute @workgroup_size(FLAT_THREADS)\nfn rope(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet here = flat_index(group, groups, lane);\nif (here >= arguments.pairs) {\nreturn;\n}\nlet half = arguments.half;\nlet head = here / half;\nlet i = here % half;\nlet whole = arguments.first + here;\nvar start = 0;\nif (has(HAS_POSITION)) {\nstart = position[arguments.position_at + select(0u, whole / arguments.pairs_of_row, has(HAS_EACH))];\n}\nlet t = whole / (half * arguments.heads) % arguments.tokens;\nlet row = table_row(start, t, arguments.length);\nlet left = head * 2u * half + select(i, 2u * i, interleaved);\nlet right = left + select(half, 1u, interleaved);\nlet pair = vec2f(x[arguments.x_at + left], x[arguments.x_at + right]);\nlet result = turned(pair, row, half, i, arguments.sign);\ny[arguments.y_at + left] = result.x;\ny[arguments.y_at + right] = result.y;\n}\n",
  },
  'rotary-heads-backward': {
    uniform: 0,
    bindings: [
      { name: 'query', index: 1, writes: false, unit: 4 },
      { name: 'key', index: 2, writes: false, unit: 4 },
      { name: 'value', index: 3, writes: false, unit: 4 },
      { name: 'table', index: 4, writes: false, unit: 4 },
      { name: 'position', index: 5, writes: false, unit: 4 },
      { name: 'dx', index: 6, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'pairs', type: 'u32' },
      { name: 'half', type: 'u32' },
      { name: 'heads', type: 'u32' },
      { name: 'groups', type: 'u32' },
      { name: 'tokens', type: 'u32' },
      { name: 'length', type: 'u32' },
      { name: 'places', type: 'u32' },
      { name: 'first', type: 'u32' },
      { name: 'queryAt', type: 'u32', view: 'query' },
      { name: 'keyAt', type: 'u32', view: 'key' },
      { name: 'valueAt', type: 'u32', view: 'value' },
      { name: 'tableAt', type: 'u32', view: 'table' },
      { name: 'positionAt', type: 'u32', view: 'position' },
      { name: 'dxAt', type: 'u32', view: 'dx' },
    ],
    overrides: [],
    source: FLAT + BITS + TURN + PLACES + "//:6\nstruct Arguments {\npairs: u32,\nhalf: u32,\nheads: u32,\ngroups: u32,\ntokens: u32,\nlength: u32,\n\nplaces: u32,\n\nfirst: u32,\nquery_at: u32,\nkey_at: u32,\nvalue_at: u32,\ntable_at: u32,\nposition_at: u32,\ndx_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> query: array<f32>;\n@group(0) @binding(2) var<storage, read> key: array<f32>;\n@group(0) @binding(3) var<storage, read> value: array<f32>;\n@group(0) @binding(4) var<storage, read> table: array<f32>;\n@group(0) @binding(5) var<storage, read> position: array<i32>;\n@group(0) @binding(6) var<storage, read_write> dx: array<f32>;\n\nfn table_pair(i: u32) -> vec2f {\nlet at = arguments.table_at + 2u * i;\nreturn vec2f(table[at], table[at + 1u]);\n}\n\n@compute @workgroup_size(FLAT_THREADS)\nfn rotary_heads_backward(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet here = flat_index(group, groups, lane);\nif (here >= arguments.pairs) {\nreturn;\n}\nlet half = arguments.half;\nlet i = here % half;\nlet heads = arguments.heads;\nlet all = heads + 2u * arguments.groups;\nlet head = here / half % all;\nlet row = here / half / all;\nlet to = arguments.dx_at + here / half * 2u * half + i;\nif (head >= heads + arguments.groups) {\nlet at = arguments.value_at + (row * arguments.groups + head - heads - arguments.groups) * 2u * half + i;\ndx[to] = value[at];\ndx[to + half] = value[at + half];\nreturn;\n}\nvar pair: vec2f;\nif (head < heads) {\nlet at = arguments.query_at + (row * heads + head) * 2u * half + i;\npair = vec2f(query[at], query[at + half]);\n} else {\nlet at = arguments.key_at + (row * arguments.groups + head - heads) * 2u * half + i;\npair = vec2f(key[at], key[at + half]);\n}\nlet whole = arguments.first + row;\nvar start = 0;\nif (has(HAS_POSITION)) {\nstart = position[arguments.position_at + select(0u, whole / arguments.tokens, has(HAS_EACH))];\n}\nlet angles = table_row(start, whole % arguments.tokens, arguments.length);\nlet result = turned(pair, angles, half, i, -1.0);\ndx[to] = result.x;\ndx[to + half] = result.y;\n}\n",
  },
  'rotary-heads': {
    uniform: 0,
    bindings: [
      { name: 'x', index: 1, writes: false, unit: 4 },
      { name: 'table', index: 2, writes: false, unit: 4 },
      { name: 'position', index: 3, writes: false, unit: 4 },
      { name: 'query', index: 4, writes: true, unit: 4 },
      { name: 'key', index: 5, writes: true, unit: 4 },
      { name: 'value', index: 6, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'pairs', type: 'u32' },
      { name: 'half', type: 'u32' },
      { name: 'heads', type: 'u32' },
      { name: 'groups', type: 'u32' },
      { name: 'tokens', type: 'u32' },
      { name: 'length', type: 'u32' },
      { name: 'places', type: 'u32' },
      { name: 'first', type: 'u32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'tableAt', type: 'u32', view: 'table' },
      { name: 'positionAt', type: 'u32', view: 'position' },
      { name: 'queryAt', type: 'u32', view: 'query' },
      { name: 'keyAt', type: 'u32', view: 'key' },
      { name: 'valueAt', type: 'u32', view: 'value' },
    ],
    overrides: [],
    source: FLAT + BITS + TURN + PLACES + "//:5\nstruct Arguments {\npairs: u32,\nhalf: u32,\nheads: u32,\ngroups: u32,\ntokens: u32,\nlength: u32,\n\nplaces: u32,\n\nfirst: u32,\nx_at: u32,\ntable_at: u32,\nposition_at: u32,\nquery_at: u32,\nkey_at: u32,\nvalue_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> x: array<f32>;\n@group(0) @binding(2) var<storage, read> table: array<f32>;\n@group(0) @binding(3) var<storage, read> position: array<i32>;\n@group(0) @binding(4) var<storage, read_write> query: array<f32>;\n@group(0) @binding(5) var<storage, read_write> key: array<f32>;\n@group(0) @binding(6) var<storage, read_write> value: array<f32>;\n\nfn table_pair(i: u32) -> vec2f {\nlet at = arguments.table_at + 2u * i;\nreturn vec2f(table[at], table[at + 1u]);\n}\n\n@compute @workgroup_size(FLAT_THREADS)\nfn rotary_heads(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet here = flat_index(group, groups, lane);\nif (here >= arguments.pairs) {\nreturn;\n}\nlet half = arguments.half;\nlet i = here % half;\nlet heads = arguments.heads;\nlet all = heads + 2u * arguments.groups;\nlet head = here / half % all;\nlet row = here / half / all;\nlet at = arguments.x_at + here / half * 2u * half + i;\nlet pair = vec2f(x[at], x[at + half]);\nif (head >= heads + arguments.groups) {\nlet to = arguments.value_at + (row * arguments.groups + head - heads - arguments.groups) * 2u * half + i;\nvalue[to] = pair.x;\nvalue[to + half] = pair.y;\nreturn;\n}\nlet whole = arguments.first + row;\nvar start = 0;\nif (has(HAS_POSITION)) {\nstart = position[arguments.position_at + select(0u, whole / arguments.tokens, has(HAS_EACH))];\n}\nlet angles = table_row(start, whole % arguments.tokens, arguments.length);\nlet result = turned(pair, angles, half, i, 1.0);\nif (head < heads) {\nlet to = arguments.query_at + (row * heads + head) * 2u * half + i;\nquery[to] = result.x;\nquery[to + half] = result.y;\n} else {\nlet to = arguments.key_at + (row * arguments.groups + head - heads) * 2u * half + i;\nkey[to] = result.x;\nkey[to + half] = result.y;\n}\n}\n",
  },
  'sample': {
    uniform: 0,
    bindings: [
      { name: 'logits', index: 1, writes: false, unit: 4 },
      { name: 'random', index: 2, writes: false, unit: 4 },
      { name: 'kept', index: 3, writes: true, unit: 4 },
      { name: 'y', index: 4, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'rows', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'firstRow', type: 'u32' },
      { name: 'topK', type: 'u32' },
      { name: 'temperature', type: 'f32' },
      { name: 'topP', type: 'f32' },
      { name: 'logitsAt', type: 'u32', view: 'logits' },
      { name: 'randomAt', type: 'u32', view: 'random' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: ['team'],
    source: ROWS + BITS + EXPONENTIALS + PHILOX + "//:7\nstruct Arguments {\nrows: u32,\nwidth: u32,\n\nfirst_row: u32,\n\ntop_k: u32,\ntemperature: f32,\n\ntop_p: f32,\nlogits_at: u32,\nrandom_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> logits: array<f32>;\n@group(0) @binding(2) var<storage, read> random: array<u32>;\n\n@group(0) @binding(3) var<storage, read_write> kept: array<u32>;\n@group(0) @binding(4) var<storage, read_write> y: array<u32>;\n\nconst BINS = 256u;\nvar<workgroup> bins: array<atomic<u32>, BINS>;\nvar<workgroup> chosen: vec2u;\nvar<workgroup> counts: array<u32, team>;\nvar<workgroup> sums: array<vec4f, team>;\n\n\nfn key_of(x: f32) -> u32 {\nreturn select(order_of(x), 0x80000000u, magnitude_of(x) == 0u);\n}\n\nfn logit_at(row: u32, i: u32) -> f32 {\nreturn logits[arguments.logits_at + row * arguments.width + i];\n}\n\n\nfn entry_at(row: u32, i: u32) -> u32 {\nif (arguments.top_k < arguments.width) {\nreturn kept[row * arguments.width + i];\n}\nreturn i;\n}\n\n\nfn sum_before(value: u32, lane: u32) -> u32 {\nworkgroupBarrier();\ncounts[lane] = value;\nworkgroupBarrier();\nif (lane == 0u) {\nvar sum = 0u;\nfor (var i = 0u; i < team; i++) {\nlet here = counts[i];\ncounts[i] = sum;\nsum += here;\n}\n}\nworkgroupBarrier();\nreturn counts[lane];\n}\n\nfn sum_of_four(values: vec4f, lane: u32) -> vec4f {\nworkgroupBarrier();\nsums[lane] = values;\nworkgroupBarrier();\nvar sum = vec4f();\nif (lane < 16u) {\nfor (var i = lane; i < team; i += 16u) {\nsum += sums[i];\n}\nsums[lane] = sum;\n}\nworkgroupBarrier();\nif (lane == 0u) {\nfor (var i = 1u; i < 16u; i++) {\nsum += sums[i];\n}\nsums[0] = sum;\n}\nreturn workgroupUniformLoad(&sums[0]);\n}\n\n\nfn last_kept(row: u32, lane: u32) -> vec2u {\nvar prefix = 0u;\nvar need = arguments.top_k;\nfor (var shift = 24u; shift <= 24u; shift -= 8u) {\nfor (var bin = lane; bin < BINS; bin += team) {\natomicStore(&bins[bin], 0u);\n}\nworkgroupBarrier();\nfor (var i = lane; i < arguments.width; i += team) {\nlet key = key_of(logit_at(row, i));\nif (shift == 24u || (key >> ((shift + 8u) & 31u)) == prefix) {\natomicAdd(&bins[(key >> shift) & 255u], 1u);\n}\n}\nworkgroupBarrier();\nif (lane == 0u) {\nvar bin = BINS - 1u;\nvar left = need;\nfor (; bin > 0u; bin--) {\nlet here = atomicLoad(&bins[bin]);\nif (here >= left) {\nbreak;\n}\nleft -= here;\n}\nchosen = vec2u(bin, left);\n}\nlet found = workgroupUniformLoad(&chosen);\nprefix = (prefix << 8u) | found.x;\nneed = found.y;\n}\nreturn vec2u(prefix, need);\n}\n\n\nfn keep(row: u32, last: vec2u, lane: u32) {\nlet length = (arguments.width + team - 1u) / team;\nlet begin = min(arguments.width, lane * length);\nlet end = min(arguments.width, begin + length);\nvar above = 0u;\nvar ties = 0u;\nfor (var i = begin; i < end; i++) {\nlet key = key_of(logit_at(row, i));\nabove += select(0u, 1u, key > last.x);\nties += select(0u, 1u, key == last.x);\n}\nlet ties_before = sum_before(ties, lane);\nvar ties_left = min(ties, last.y - min(last.y, ties_before));\nvar place = row * arguments.width + sum_before(above + ties_left, lane);\nfor (var i = begin; i < end; i++) {\nlet key = key_of(logit_at(row, i));\nvar takes = key > last.x;\nif (key == last.x && ties_left > 0u) {\nties_left--;\ntakes = true;\n}\nif (takes) {\nkept[place] = i;\nplace++;\n}\n}\nstorageBarrier();\n}\n\nfn weight_of(x: f32, largest: f32) -> f32 {\nreturn exp_of((x - largest) / arguments.temperature);\n}\n\nstruct Reached {\nkey: u32,\n\nbefore: f32,\n}\n\n\n\nfn reach(row: u32, goal: f32, beyond: bool, lowest: u32, largest: f32, lane: u32) -> Reached {\nvar prefix = 0u;\nvar before = 0.0;\nfor (var shift = 30u; shift <= 30u; shift -= 2u) {\nvar parts = vec4f();\nfor (var i = lane; i < arguments.top_k; i += team) {\nlet x = logit_at(row, entry_at(row, i));\nlet key = key_of(x);\nif (key > lowest && (shift == 30u || (key >> ((shift + 2u) & 31u)) == prefix)) {\nlet digit = (key >> shift) & 3u;\nparts += select(vec4f(), vec4f(weight_of(x, largest)), vec4u(digit) == vec4u(0u, 1u, 2u, 3u));\n}\n}\nlet all = sum_of_four(parts, lane);\nvar digit = 0u;\nvar sum = before;\nvar found = false;\nfor (var i = 0u; i < 4u && !found; i++) {\nlet here = all[3u - i];\nlet next = sum + here;\nif (here > 0.0) {\n\ndigit = 3u - i;\nbefore = sum;\nfound = (next > goal) || (!beyond && next == goal);\n}\nsum = next;\n}\nprefix = (prefix << 2u) | digit;\n}\nreturn Reached(prefix, before);\n}\n\nfn count_of(row: u32, key: u32, lane: u32) -> u32 {\nvar count = 0u;\nfor (var i = lane; i < arguments.top_k; i += team) {\ncount += select(0u, 1u, key_of(logit_at(row, entry_at(row, i))) == key);\n}\nreturn team_count(count, lane);\n}\n\n\nfn weights_needed(before: f32, weight: f32, goal: f32, beyond: bool, most: u32) -> u32 {\nvar count = clamp(u32(max(0.0, (goal - before) / weight)), 1u, most);\nwhile (count > 1u && enough(before + f32(count - 1u) * weight, goal, beyond)) {\ncount--;\n}\nwhile (count < most && !enough(before + f32(count) * weight, goal, beyond)) {\ncount++;\n}\nreturn count;\n}\n\nfn enough(sum: f32, goal: f32, beyond: bool) -> bool {\nreturn sum > goal || (!beyond && sum == goal);\n}\n\n@compute @workgroup_size(team)\nfn sample(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet row = group.x + group.y * groups.x;\nif (row >= arguments.rows) {\nreturn;\n}\nvar highest = 0u;\nfor (var i = lane; i < arguments.width; i += team) {\nhighest = max(highest, order_of(logit_at(row, i)));\n}\nhighest = team_largest(highest, lane);\n\nif (highest >= 0xff800000u || highest == 0x007fffffu) {\nif (lane == 0u) {\ny[arguments.y_at + row] = 0xffffffffu;\n}\nreturn;\n}\nlet largest = from_order(highest);\nif (arguments.top_k < arguments.width) {\nkeep(row, last_kept(row, lane), lane);\n}\n\nvar sum = 0.0;\nfor (var i = lane; i < arguments.top_k; i += team) {\nsum += weight_of(logit_at(row, entry_at(row, i)), largest);\n}\nvar total = team_sum(sum, lane);\n\nvar last = Reached(0u, total);\nvar ties = 0u;\nif (arguments.top_p < 1.0) {\nlet goal = arguments.top_p * total;\nlast = reach(row, goal, false, 0u, largest, lane);\nlet weight = weight_of(from_order(last.key), largest);\nties = weights_needed(last.before, weight, goal, false, count_of(row, last.key, lane));\ntotal = last.before + f32(ties) * weight;\n}\n\nlet state = vec4u(\nrandom[arguments.random_at],\nrandom[arguments.random_at + 1u],\nrandom[arguments.random_at + 2u],\nrandom[arguments.random_at + 3u],\n);\nlet goal = uniform_of(philox(state, arguments.first_row + row).x) * total;\nvar drawn = last;\nvar most = ties;\n\nif (lane == 0u) {\nchosen = vec2u(select(0u, 1u, ties == 0u || goal < last.before), bitcast<u32>(goal));\n}\nif (workgroupUniformLoad(&chosen).x == 1u) {\ndrawn = reach(row, goal, true, last.key, largest, lane);\nmost = count_of(row, drawn.key, lane);\n}\nlet wanted = weights_needed(drawn.before, weight_of(from_order(drawn.key), largest), goal, true, most) - 1u;\nlet length = (arguments.top_k + team - 1u) / team;\nlet begin = min(arguments.top_k, lane * length);\nlet end = min(arguments.top_k, begin + length);\nvar count = 0u;\nfor (var i = begin; i < end; i++) {\ncount += select(0u, 1u, key_of(logit_at(row, entry_at(row, i))) == drawn.key);\n}\nlet before = sum_before(count, lane);\nif (wanted < before || wanted >= before + count) {\nreturn;\n}\nvar left = wanted - before;\nfor (var i = begin; i < end; i++) {\nlet index = entry_at(row, i);\nif (key_of(logit_at(row, index)) == drawn.key) {\nif (left == 0u) {\ny[arguments.y_at + row] = index;\nreturn;\n}\nleft--;\n}\n}\n}\n",
  },
  'scale-vec4': {
    uniform: 0,
    bindings: [
      { name: 'x', index: 1, writes: false, unit: 16 },
      { name: 'y', index: 2, writes: true, unit: 16 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'factor', type: 'f32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: [],
    source: FLAT + "//:3\nstruct Arguments {\ncount: u32,\nfactor: f32,\nx_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> x: array<vec4f>;\n@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn scale(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.count) {\nreturn;\n}\ny[arguments.y_at + i] = arguments.factor * x[arguments.x_at + i];\n}\n",
  },
  'scale': {
    uniform: 0,
    bindings: [
      { name: 'x', index: 1, writes: false, unit: 4 },
      { name: 'y', index: 2, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'factor', type: 'f32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: [],
    source: FLAT + "//:3\nstruct Arguments {\ncount: u32,\nfactor: f32,\nx_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> x: array<f32>;\n@group(0) @binding(2) var<storage, read_write> y: array<f32>;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn scale(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.count) {\nreturn;\n}\ny[arguments.y_at + i] = arguments.factor * x[arguments.x_at + i];\n}\n",
  },
  'softmax-backward': {
    uniform: 0,
    bindings: [
      { name: 'y', index: 1, writes: false, unit: 4 },
      { name: 'dy', index: 2, writes: false, unit: 4 },
      { name: 'dx', index: 3, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'rows', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'yAt', type: 'u32', view: 'y' },
      { name: 'dyAt', type: 'u32', view: 'dy' },
      { name: 'dxAt', type: 'u32', view: 'dx' },
    ],
    overrides: ['team'],
    source: ROWS + FLAT + "//:5\nstruct Arguments {\nrows: u32,\nwidth: u32,\ny_at: u32,\ndy_at: u32,\ndx_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> y: array<f32>;\n@group(0) @binding(2) var<storage, read> dy: array<f32>;\n@group(0) @binding(3) var<storage, read_write> dx: array<f32>;\n\n@compute @workgroup_size(team)\nfn team_row(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet row = group.x + group.y * groups.x;\nif (row >= arguments.rows) {\nreturn;\n}\nlet at = row * arguments.width;\nvar sum = 0.0;\nfor (var i = at + lane; i < at + arguments.width; i += team) {\nsum += y[arguments.y_at + i] * dy[arguments.dy_at + i];\n}\nsum = team_sum(sum, lane);\nfor (var i = at + lane; i < at + arguments.width; i += team) {\ndx[arguments.dx_at + i] = y[arguments.y_at + i] * (dy[arguments.dy_at + i] - sum);\n}\n}\n\n\nconst TERMS = 64u;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn single_row(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet row = flat_index(group, groups, lane);\nif (row >= arguments.rows) {\nreturn;\n}\nlet at = row * arguments.width;\nlet end = at + arguments.width;\nvar sum = 0.0;\nfor (var block = at; block < end; block += TERMS) {\nvar part = 0.0;\nfor (var i = block; i < min(end, block + TERMS); i++) {\npart += y[arguments.y_at + i] * dy[arguments.dy_at + i];\n}\nsum += part;\n}\nfor (var i = at; i < end; i++) {\ndx[arguments.dx_at + i] = y[arguments.y_at + i] * (dy[arguments.dy_at + i] - sum);\n}\n}\n",
  },
  'softmax': {
    uniform: 0,
    bindings: [
      { name: 'x', index: 1, writes: false, unit: 4 },
      { name: 'position', index: 2, writes: false, unit: 4 },
      { name: 'first', index: 3, writes: false, unit: 4 },
      { name: 'y', index: 4, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'rows', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'firstRow', type: 'u32' },
      { name: 'queries', type: 'u32' },
      { name: 'rowsOfBatch', type: 'u32' },
      { name: 'window', type: 'i32' },
      { name: 'places', type: 'u32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'positionAt', type: 'u32', view: 'position' },
      { name: 'firstAt', type: 'u32', view: 'first' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: ['team', 'causal'],
    source: ROWS + BITS + EXPONENTIALS + FLAT + PLACES + "//:7\nstruct Arguments {\nrows: u32,\nwidth: u32,\n\nfirst_row: u32,\nqueries: u32,\n\nrows_of_batch: u32,\n\nwindow: i32,\n\nplaces: u32,\nx_at: u32,\nposition_at: u32,\nfirst_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> x: array<f32>;\n@group(0) @binding(2) var<storage, read> position: array<i32>;\n@group(0) @binding(3) var<storage, read> first: array<i32>;\n@group(0) @binding(4) var<storage, read_write> y: array<f32>;\noverride causal: bool = false;\n\n\nconst FAR = 1 << 30u;\n\nstruct Seen {\nbegin: u32,\nend: u32,\n}\n\n\nfn seen_of(row: u32) -> Seen {\nlet width = i32(arguments.width);\nif (!causal) {\nreturn Seen(0u, arguments.width);\n}\nlet whole = arguments.first_row + row;\nlet batch = whole / arguments.rows_of_batch;\nlet query = whole % arguments.queries;\nvar start = width - i32(arguments.queries);\nif (has(HAS_POSITION)) {\nstart = clamp(position[arguments.position_at + select(0u, batch, has(HAS_EACH))], -FAR, FAR);\n}\nlet last = start + i32(query);\nlet end = clamp(last + 1, 0, width);\nvar begin = 0;\nif (arguments.window > 0) {\nbegin = max(begin, last - arguments.window + 1);\n}\nif (has(HAS_FIRST)) {\nbegin = max(begin, first[arguments.first_at + batch * arguments.queries + query]);\n}\nreturn Seen(u32(min(begin, end)), u32(end));\n}\n\n@compute @workgroup_size(team)\nfn team_row(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet row = group.x + group.y * groups.x;\nif (row >= arguments.rows) {\nreturn;\n}\nlet seen = seen_of(row);\nlet x_row = arguments.x_at + row * arguments.width;\nlet y_row = arguments.y_at + row * arguments.width;\nvar highest = 0u;\nfor (var i = seen.begin + lane; i < seen.end; i += team) {\nhighest = max(highest, order_of(x[x_row + i]));\n}\nlet largest = from_order(team_largest(highest, lane));\nvar sum = 0.0;\nfor (var i = seen.begin + lane; i < seen.end; i += team) {\nsum += exp_of(x[x_row + i] - largest);\n}\nsum = team_sum(sum, lane);\nfor (var i = lane; i < arguments.width; i += team) {\nvar value = 0.0;\nif (i >= seen.begin && i < seen.end) {\nvalue = exp_of(x[x_row + i] - largest) / sum;\n}\ny[y_row + i] = value;\n}\n}\n\n\nconst TERMS = 64u;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn single_row(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet row = flat_index(group, groups, lane);\nif (row >= arguments.rows) {\nreturn;\n}\nlet seen = seen_of(row);\nlet x_row = arguments.x_at + row * arguments.width;\nlet y_row = arguments.y_at + row * arguments.width;\nvar highest = 0u;\nfor (var i = seen.begin; i < seen.end; i++) {\nhighest = max(highest, order_of(x[x_row + i]));\n}\nlet largest = from_order(highest);\nvar sum = 0.0;\nfor (var block = seen.begin; block < seen.end; block += TERMS) {\nvar part = 0.0;\nfor (var i = block; i < min(seen.end, block + TERMS); i++) {\nlet weight = exp_of(x[x_row + i] - largest);\ny[y_row + i] = weight;\npart += weight;\n}\nsum += part;\n}\nfor (var i = 0u; i < seen.begin; i++) {\ny[y_row + i] = 0.0;\n}\nfor (var i = seen.begin; i < seen.end; i++) {\ny[y_row + i] = y[y_row + i] / sum;\n}\nfor (var i = seen.end; i < arguments.width; i++) {\ny[y_row + i] = 0.0;\n}\n}\n",
  },
  'sparse-gemv-vec4': {
    uniform: 0,
    bindings: [
      { name: 'indices', index: 1, writes: false, unit: 4 },
      { name: 'values', index: 2, writes: false, unit: 4 },
      { name: 'count', index: 3, writes: false, unit: 4 },
      { name: 'w', index: 4, writes: false, unit: 16 },
      { name: 'scales', index: 5, writes: false, unit: 16 },
      { name: 'add', index: 6, writes: false, unit: 16 },
      { name: 'y', index: 7, writes: true, unit: 16 },
    ],
    fields: [
      { name: 'workgroups', type: 'u32' },
      { name: 'tiles', type: 'u32' },
      { name: 'splits', type: 'u32' },
      { name: 'lists', type: 'u32' },
      { name: 'keep', type: 'u32' },
      { name: 'inputs', type: 'u32' },
      { name: 'first', type: 'u32' },
      { name: 'channels', type: 'u32' },
      { name: 'units', type: 'u32' },
      { name: 'firstPart', type: 'u32' },
      { name: 'indicesAt', type: 'u32', view: 'indices' },
      { name: 'valuesAt', type: 'u32', view: 'values' },
      { name: 'countAt', type: 'u32', view: 'count' },
      { name: 'wAt', type: 'u32', view: 'w' },
      { name: 'scalesAt', type: 'u32', view: 'scales' },
      { name: 'addAt', type: 'u32', view: 'add' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: ['lanes', 'slots', 'staged', 'finish', 'with_scales', 'with_add', 'bits', 'parts'],
    source: PRODUCT_PLACE + BF16 + SPARSE_GEMV_SUMS + "//:4\nstruct Arguments {\n\nworkgroups: u32,\ntiles: u32,\nsplits: u32,\nlists: u32,\n\nkeep: u32,\n\ninputs: u32,\nfirst: u32,\nchannels: u32,\n\nunits: u32,\nfirst_part: u32,\nindices_at: u32,\nvalues_at: u32,\ncount_at: u32,\nw_at: u32,\nscales_at: u32,\nadd_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> indices: array<u32>;\n@group(0) @binding(2) var<storage, read> values: array<u32>;\n@group(0) @binding(3) var<storage, read> count: array<u32>;\n@group(0) @binding(4) var<storage, read> w: array<vec4u>;\n@group(0) @binding(5) var<storage, read> scales: array<vec4f>;\n@group(0) @binding(6) var<storage, read> add: array<vec4f>;\n@group(0) @binding(7) var<storage, read_write> y: array<vec4f>;\n\nfn weights_at(channel: u32, unit: u32) -> vec4u {\nreturn w[arguments.w_at + channel * arguments.units + unit];\n}\n\nfn add_products(sums: ptr<function, Sums>, entry: vec2u, given: vec4u) {\nlet value = bitcast<f32>(entry.y);\nlet words = select(given, vec4u(0u), vec4<bool>(entry.x == NO_CHANNEL));\nif (bits == 32u) {\n(*sums).a += value * bitcast<vec4f>(words);\n} else if (bits == 16u) {\n(*sums).a += value * bitcast<vec4f>(words << vec4u(16u));\n(*sums).b += value * bitcast<vec4f>(words & vec4u(0xffff0000u));\n} else {\nlet bytes = bitcast<vec4i>(words);\n(*sums).a += value * vec4f((bytes << vec4u(24u)) >> vec4u(24u));\n(*sums).b += value * vec4f((bytes << vec4u(16u)) >> vec4u(24u));\n(*sums).c += value * vec4f((bytes << vec4u(8u)) >> vec4u(24u));\n(*sums).d += value * vec4f(bytes >> vec4u(24u));\n}\n}\n\n\nfn write_vector(place: Place, unit: u32, part: u32, sums: vec4f) {\nlet length = arguments.units * parts;\nlet column = unit * parts + part;\nif (!finish) {\ny[arguments.y_at + (place.part * arguments.lists + place.list) * length + column] = sums;\nreturn;\n}\nvar result = sums;\nif (with_scales) {\nresult *= scales[arguments.scales_at + column];\n}\nif (with_add) {\nresult += add[arguments.add_at + place.list * length + column];\n}\ny[arguments.y_at + place.list * length + column] = result;\n}\n\nfn write_unit(place: Place, unit: u32, sums: Sums) {\nif (parts == 1u) {\nwrite_vector(place, unit, 0u, sums.a);\n} else if (parts == 2u) {\nwrite_vector(place, unit, 0u, vec4f(sums.a.x, sums.b.x, sums.a.y, sums.b.y));\nwrite_vector(place, unit, 1u, vec4f(sums.a.z, sums.b.z, sums.a.w, sums.b.w));\n} else {\nwrite_vector(place, unit, 0u, vec4f(sums.a.x, sums.b.x, sums.c.x, sums.d.x));\nwrite_vector(place, unit, 1u, vec4f(sums.a.y, sums.b.y, sums.c.y, sums.d.y));\nwrite_vector(place, unit, 2u, vec4f(sums.a.z, sums.b.z, sums.c.z, sums.d.z));\nwrite_vector(place, unit, 3u, vec4f(sums.a.w, sums.b.w, sums.c.w, sums.d.w));\n}\n}\n\n@compute @workgroup_size(lanes * slots)\nfn sparse_gemv(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(num_workgroups) groups: vec3u) {\nproduct(group.x + group.y * groups.x, lane);\n}\n",
  },
  'sparse-gemv': {
    uniform: 0,
    bindings: [
      { name: 'indices', index: 1, writes: false, unit: 4 },
      { name: 'values', index: 2, writes: false, unit: 4 },
      { name: 'count', index: 3, writes: false, unit: 4 },
      { name: 'w', index: 4, writes: false, unit: 4 },
      { name: 'scales', index: 5, writes: false, unit: 4 },
      { name: 'add', index: 6, writes: false, unit: 4 },
      { name: 'y', index: 7, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'workgroups', type: 'u32' },
      { name: 'tiles', type: 'u32' },
      { name: 'splits', type: 'u32' },
      { name: 'lists', type: 'u32' },
      { name: 'keep', type: 'u32' },
      { name: 'inputs', type: 'u32' },
      { name: 'first', type: 'u32' },
      { name: 'channels', type: 'u32' },
      { name: 'units', type: 'u32' },
      { name: 'firstPart', type: 'u32' },
      { name: 'indicesAt', type: 'u32', view: 'indices' },
      { name: 'valuesAt', type: 'u32', view: 'values' },
      { name: 'countAt', type: 'u32', view: 'count' },
      { name: 'wAt', type: 'u32', view: 'w' },
      { name: 'scalesAt', type: 'u32', view: 'scales' },
      { name: 'addAt', type: 'u32', view: 'add' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: ['lanes', 'slots', 'staged', 'finish', 'with_scales', 'with_add', 'bits', 'parts'],
    source: PRODUCT_PLACE + BF16 + SPARSE_GEMV_SUMS + "//:3\nstruct Arguments {\n\nworkgroups: u32,\ntiles: u32,\nsplits: u32,\nlists: u32,\n\nkeep: u32,\n\ninputs: u32,\nfirst: u32,\nchannels: u32,\n\nunits: u32,\nfirst_part: u32,\nindices_at: u32,\nvalues_at: u32,\ncount_at: u32,\nw_at: u32,\nscales_at: u32,\nadd_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> indices: array<u32>;\n@group(0) @binding(2) var<storage, read> values: array<u32>;\n@group(0) @binding(3) var<storage, read> count: array<u32>;\n@group(0) @binding(4) var<storage, read> w: array<u32>;\n@group(0) @binding(5) var<storage, read> scales: array<f32>;\n@group(0) @binding(6) var<storage, read> add: array<f32>;\n@group(0) @binding(7) var<storage, read_write> y: array<f32>;\n\nfn weights_at(channel: u32, unit: u32) -> f32 {\nlet at = arguments.w_at + channel * arguments.units + unit;\nif (bits == 32u) {\nreturn bitcast<f32>(w[at]);\n}\nif (bits == 16u) {\nreturn from_bf16(half_of(w[at / 2u], at));\n}\nreturn f32(byte_of(w[at / 4u], at));\n}\n\nfn add_products(sums: ptr<function, Sums>, entry: vec2u, weight: f32) {\n(*sums).a.x += bitcast<f32>(entry.y) * select(weight, 0.0, entry.x == NO_CHANNEL);\n}\n\nfn write_unit(place: Place, unit: u32, sums: Sums) {\nif (!finish) {\ny[arguments.y_at + (place.part * arguments.lists + place.list) * arguments.units + unit] = sums.a.x;\nreturn;\n}\nvar result = sums.a.x;\nif (with_scales) {\nresult *= scales[arguments.scales_at + unit];\n}\nlet at = place.list * arguments.units + unit;\nif (with_add) {\nresult += add[arguments.add_at + at];\n}\ny[arguments.y_at + at] = result;\n}\n\n@compute @workgroup_size(lanes * slots)\nfn sparse_gemv(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(num_workgroups) groups: vec3u) {\nproduct(group.x + group.y * groups.x, lane);\n}\n",
  },
  'sparsify-blocks': {
    uniform: 0,
    bindings: [
      { name: 'h', index: 1, writes: false, unit: 4 },
      { name: 'row_largest', index: 2, writes: false, unit: 4 },
      { name: 'y', index: 3, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'block', type: 'u32' },
      { name: 'keep', type: 'u32' },
      { name: 'hAt', type: 'u32', view: 'h' },
      { name: 'rowLargestAt', type: 'u32', view: 'row_largest' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: ['gated', 'with_norm', 'with_weight', 'output', 'parts_of_rows'],
    source: FLAT + BITS + EXPONENTIALS + ACTIVATIONS + CUT_SEARCH + SPARSIFY_SITE + "//:5\nstruct Arguments {\ncount: u32,\nwidth: u32,\nblock: u32,\nkeep: u32,\nh_at: u32,\nrow_largest_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> h: array<f32>;\n@group(0) @binding(2) var<storage, read> row_largest: array<u32>;\n@group(0) @binding(3) var<storage, read_write> y: array<f32>;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn sparsify_blocks(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.count) {\nreturn;\n}\nlet largest = row_largest[arguments.row_largest_at + i / arguments.width];\nif (largest >= NOT_FINITE) {\ny[arguments.y_at + i] = nan_from(largest);\nreturn;\n}\nlet own = h[arguments.h_at + i];\nlet magnitude = magnitude_of(own);\nlet first = i - i % arguments.block;\nvar ahead = 0u;\nfor (var j = first; j < first + arguments.block; j++) {\nlet other = magnitude_of(h[arguments.h_at + j]);\nahead += select(0u, 1u, other > magnitude || (other == magnitude && j < i));\n}\ny[arguments.y_at + i] = written(own, ahead < arguments.keep, levels_of(largest));\n}\n",
  },
  'sparsify-lane': {
    uniform: 0,
    bindings: [
      { name: 'x', index: 1, writes: false, unit: 16 },
      { name: 'weight', index: 2, writes: false, unit: 16 },
      { name: 'y', index: 3, writes: true, unit: 16 },
      { name: 'inverse_rms', index: 4, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'rows', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'keep', type: 'u32' },
      { name: 'epsilon', type: 'f32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'weightAt', type: 'u32', view: 'weight' },
      { name: 'yAt', type: 'u32', view: 'y' },
      { name: 'inverseRmsAt', type: 'u32', view: 'inverse_rms' },
    ],
    overrides: ['gated', 'with_norm', 'with_weight', 'output', 'parts_of_rows'],
    source: SPARSIFY_OUTPUTS + BITS + EXPONENTIALS + ACTIVATIONS + CUT_SEARCH + SPARSIFY_SITE + SPARSIFY_VECTORS + "//:6\nconst LANE_THREADS = 16u;\n\nconst TERMS = 16u;\n\nfn largest_given(row: u32) -> u32 {\nvar largest = vec4u();\nfor (var i = 0u; i < arguments.width / 4u; i++) {\nlargest = max(largest, magnitudes_of(given(row, i)));\n}\nreturn largest_component(largest);\n}\n\n\nfn squares(row: u32, huge: bool) -> f32 {\nlet length = arguments.width / 4u;\nvar sum = 0.0;\nfor (var i = 0u; i < length; i += TERMS) {\nvar four = vec4f();\nfor (var j = i; j < min(i + TERMS, length); j++) {\nvar h = given(row, j);\nif (huge) {\nh = lowered_vector(h);\n}\nfour += h * h;\n}\nsum += (four.x + four.y) + (four.z + four.w);\n}\nreturn sum;\n}\n\n\nfn value(row: u32, i: u32) -> vec4f {\nif (gated == 0u && !with_norm) {\nreturn given(row, i);\n}\nreturn y[arguments.y_at + row * (arguments.width / 4u) + i];\n}\n\n@compute @workgroup_size(LANE_THREADS)\nfn sparsify_lane(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet row = (group.x + group.y * groups.x) * LANE_THREADS + lane;\nif (row >= arguments.rows) {\nreturn;\n}\nlet length = arguments.width / 4u;\nlet first = arguments.y_at + row * length;\nvar inverse = 1.0;\nif (with_norm) {\nlet largest = largest_given(row);\nif (largest >= NOT_FINITE) {\ninverse_rms[arguments.inverse_rms_at + row] = broken_inverse(largest);\nfor (var i = 0u; i < length; i++) {\ny[first + i] = broken_vector(given(row, i), i, largest);\n}\nreturn;\n}\nlet mean = squares(row, largest >= HUGE) / f32(arguments.width);\ninverse = inverse_of(largest, mean, arguments.epsilon);\ninverse_rms[arguments.inverse_rms_at + row] = inverse;\n}\nvar sums = vec4f();\nvar all_largest = vec4u();\nfor (var i = 0u; i < length; i++) {\nvar h = given(row, i);\nif (with_norm) {\nh *= inverse;\nif (with_weight) {\nh *= weight[arguments.weight_at + i];\n}\n}\nif (with_norm || gated != 0u || output == EVERYTHING) {\ny[first + i] = h;\n}\nsums += abs(h);\nall_largest = max(all_largest, magnitudes_of(h));\n}\nif (output == EVERYTHING) {\nreturn;\n}\nlet largest = largest_component(all_largest);\nif (largest >= NOT_FINITE) {\nfor (var i = 0u; i < length; i++) {\ny[first + i] = vec4f(nan_from(largest));\n}\nreturn;\n}\nvar cut = Cut(0u, 0u);\nif (arguments.keep < arguments.width) {\nlet mean = ((sums.x + sums.y) + (sums.z + sums.w)) / f32(arguments.width);\nvar search = search_begin(arguments.width, arguments.keep, largest, mean);\nwhile (search.open) {\nvar counts = vec4u();\nfor (var i = 0u; i < length; i++) {\ncounts += select(vec4u(0u), vec4u(1u), magnitudes_of(value(row, i)) >= vec4u(search.pivot));\n}\nsearch = search_step(search, (counts.x + counts.y) + (counts.z + counts.w), arguments.keep);\n}\ncut = Cut(search.high, arguments.width);\nif (search.ties == 0u) {\ncut.bound = 0u;\n} else if (must_break_ties(search)) {\nvar left = search.ties;\nfor (var i = 0u; left > 0u && i < length; i++) {\nlet equal = magnitudes_of(value(row, i)) == vec4u(search.high - 1u);\nfor (var j = 0u; j < 4u; j++) {\nif (left > 0u && equal[j]) {\nleft -= 1u;\ncut.bound = 4u * i + j + 1u;\n}\n}\n}\n}\n}\nlet levels = levels_of(largest);\nfor (var i = 0u; i < length; i++) {\nlet h = value(row, i);\ny[first + i] = written_vector(h, cut, i, levels);\n}\n}\n",
  },
  'sparsify-list-subgroups': {
    uniform: 0,
    bindings: [
      { name: 'x', index: 1, writes: false, unit: 16 },
      { name: 'weight', index: 2, writes: false, unit: 16 },
      { name: 'indices', index: 3, writes: true, unit: 4 },
      { name: 'values', index: 4, writes: true, unit: 4 },
      { name: 'count', index: 5, writes: true, unit: 4 },
      { name: 'scale', index: 6, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'rows', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'keep', type: 'u32' },
      { name: 'epsilon', type: 'f32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'weightAt', type: 'u32', view: 'weight' },
      { name: 'indicesAt', type: 'u32', view: 'indices' },
      { name: 'valuesAt', type: 'u32', view: 'values' },
      { name: 'countAt', type: 'u32', view: 'count' },
      { name: 'scaleAt', type: 'u32', view: 'scale' },
    ],
    overrides: ['team', 'smallest_subgroup', 'gated', 'with_norm', 'with_weight', 'output', 'parts_of_rows', 'vectors'],
    source: "enable subgroups;\n" + ROWS_SUBGROUPS + "//scan-subgroups:3\nstruct Scan {\nbefore: u32,\nall: u32,\n}\n\n\nvar<workgroup> scan_values: array<u32, (team + smallest_subgroup - 1u) / smallest_subgroup>;\n\nfn team_before(own: u32, lane: u32) -> Scan {\nlet sum = subgroupAdd(own);\nlet first = subgroupMin(lane);\nvar scan = Scan(subgroupExclusiveAdd(own), 0u);\nworkgroupBarrier();\nif (lane == first) {\nscan_values[first / smallest_subgroup] = sum;\n}\nworkgroupBarrier();\nfor (var i = 0u; i < (team + smallest_subgroup - 1u) / smallest_subgroup; i++) {\nlet other = scan_values[i];\nscan.all += other;\nscan.before += select(0u, other, i < first / smallest_subgroup);\n}\nreturn scan;\n}\n" + BITS + EXPONENTIALS + ACTIVATIONS + CUT_SEARCH + SPARSIFY_SITE + SPARSIFY_VECTORS + SPARSIFY_ROW + SPARSIFY_LIST_ROW + SPARSIFY_LIST,
  },
  'sparsify-list': {
    uniform: 0,
    bindings: [
      { name: 'x', index: 1, writes: false, unit: 16 },
      { name: 'weight', index: 2, writes: false, unit: 16 },
      { name: 'indices', index: 3, writes: true, unit: 4 },
      { name: 'values', index: 4, writes: true, unit: 4 },
      { name: 'count', index: 5, writes: true, unit: 4 },
      { name: 'scale', index: 6, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'rows', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'keep', type: 'u32' },
      { name: 'epsilon', type: 'f32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'weightAt', type: 'u32', view: 'weight' },
      { name: 'indicesAt', type: 'u32', view: 'indices' },
      { name: 'valuesAt', type: 'u32', view: 'values' },
      { name: 'countAt', type: 'u32', view: 'count' },
      { name: 'scaleAt', type: 'u32', view: 'scale' },
    ],
    overrides: ['team', 'gated', 'with_norm', 'with_weight', 'output', 'parts_of_rows', 'vectors'],
    source: ROWS + "//scan:4\nstruct Scan {\nbefore: u32,\nall: u32,\n}\n\nvar<workgroup> scan_values: array<u32, team>;\n\nfn team_before(own: u32, lane: u32) -> Scan {\nworkgroupBarrier();\nscan_values[lane] = own;\nfor (var step = 1u; step < team; step *= 2u) {\nworkgroupBarrier();\nvar other = 0u;\nif (lane >= step) {\nother = scan_values[lane - step];\n}\nworkgroupBarrier();\nscan_values[lane] += other;\n}\nworkgroupBarrier();\nreturn Scan(scan_values[lane] - own, scan_values[team - 1u]);\n}\n" + BITS + EXPONENTIALS + ACTIVATIONS + CUT_SEARCH + SPARSIFY_SITE + SPARSIFY_VECTORS + SPARSIFY_ROW + SPARSIFY_LIST_ROW + SPARSIFY_LIST,
  },
  'sparsify-subgroups': {
    uniform: 0,
    bindings: [
      { name: 'x', index: 1, writes: false, unit: 16 },
      { name: 'weight', index: 2, writes: false, unit: 16 },
      { name: 'y', index: 3, writes: true, unit: 16 },
      { name: 'inverse_rms', index: 4, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'rows', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'keep', type: 'u32' },
      { name: 'epsilon', type: 'f32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'weightAt', type: 'u32', view: 'weight' },
      { name: 'yAt', type: 'u32', view: 'y' },
      { name: 'inverseRmsAt', type: 'u32', view: 'inverse_rms' },
    ],
    overrides: ['team', 'smallest_subgroup', 'gated', 'with_norm', 'with_weight', 'output', 'parts_of_rows', 'vectors'],
    source: "enable subgroups;\n" + ROWS_SUBGROUPS + SPARSIFY_OUTPUTS + BITS + EXPONENTIALS + ACTIVATIONS + CUT_SEARCH + SPARSIFY_SITE + SPARSIFY_VECTORS + SPARSIFY_ROW + SPARSIFY_DENSE_ROW + SPARSIFY_VEC4,
  },
  'sparsify-vec4': {
    uniform: 0,
    bindings: [
      { name: 'x', index: 1, writes: false, unit: 16 },
      { name: 'weight', index: 2, writes: false, unit: 16 },
      { name: 'y', index: 3, writes: true, unit: 16 },
      { name: 'inverse_rms', index: 4, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'rows', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'keep', type: 'u32' },
      { name: 'epsilon', type: 'f32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'weightAt', type: 'u32', view: 'weight' },
      { name: 'yAt', type: 'u32', view: 'y' },
      { name: 'inverseRmsAt', type: 'u32', view: 'inverse_rms' },
    ],
    overrides: ['team', 'gated', 'with_norm', 'with_weight', 'output', 'parts_of_rows', 'vectors'],
    source: ROWS + SPARSIFY_OUTPUTS + BITS + EXPONENTIALS + ACTIVATIONS + CUT_SEARCH + SPARSIFY_SITE + SPARSIFY_VECTORS + SPARSIFY_ROW + SPARSIFY_DENSE_ROW + SPARSIFY_VEC4,
  },
  'sparsify': {
    uniform: 0,
    bindings: [
      { name: 'x', index: 1, writes: false, unit: 4 },
      { name: 'weight', index: 2, writes: false, unit: 4 },
      { name: 'y', index: 3, writes: true, unit: 4 },
      { name: 'inverse_rms', index: 4, writes: true, unit: 4 },
      { name: 'row_largest', index: 5, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'rows', type: 'u32' },
      { name: 'width', type: 'u32' },
      { name: 'keep', type: 'u32' },
      { name: 'parts', type: 'u32' },
      { name: 'epsilon', type: 'f32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'weightAt', type: 'u32', view: 'weight' },
      { name: 'yAt', type: 'u32', view: 'y' },
      { name: 'inverseRmsAt', type: 'u32', view: 'inverse_rms' },
      { name: 'rowLargestAt', type: 'u32', view: 'row_largest' },
    ],
    overrides: ['team', 'gated', 'with_norm', 'with_weight', 'output', 'parts_of_rows'],
    source: ROWS + BITS + EXPONENTIALS + ACTIVATIONS + CUT_SEARCH + SPARSIFY_SITE + "//:6\nstruct Arguments {\nrows: u32,\nwidth: u32,\nkeep: u32,\nparts: u32,\nepsilon: f32,\nx_at: u32,\nweight_at: u32,\ny_at: u32,\ninverse_rms_at: u32,\nrow_largest_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> x: array<f32>;\n@group(0) @binding(2) var<storage, read> weight: array<f32>;\n@group(0) @binding(3) var<storage, read_write> y: array<f32>;\n@group(0) @binding(4) var<storage, read_write> inverse_rms: array<f32>;\n\n@group(0) @binding(5) var<storage, read_write> row_largest: array<u32>;\n\nconst LANE_THREADS = 16u;\n\n\nstruct Share {\nrow: u32,\nstart: u32,\nstep: u32,\n}\n\n\nfn given(row: u32, i: u32) -> f32 {\nif (gated == 0u) {\nreturn x[arguments.x_at + row * arguments.width + i];\n}\nlet at = arguments.x_at + 2u * row * arguments.width + i;\nreturn activation(gated, x[at]) * x[at + arguments.width];\n}\n\n\nfn value(row: u32, i: u32) -> f32 {\nif (gated == 0u && !with_norm) {\nreturn x[arguments.x_at + row * arguments.width + i];\n}\nreturn y[arguments.y_at + row * arguments.width + i];\n}\n\n\nfn squares(share: Share, huge: bool) -> f32 {\nvar sum = 0.0;\nfor (var i = share.start; i < arguments.width; i += 16u * share.step) {\nvar four = vec4f();\nfor (var j = 0u; j < 16u; j++) {\nlet at = i + j * share.step;\nif (at < arguments.width) {\nvar h = given(share.row, at);\nif (huge) {\nh = lowered(h, LOWERED);\n}\nfour[j & 3u] += h * h;\n}\n}\nsum += (four.x + four.y) + (four.z + four.w);\n}\nreturn sum;\n}\n\nfn largest_given(share: Share) -> u32 {\nvar largest = 0u;\nfor (var i = share.start; i < arguments.width; i += share.step) {\nlargest = max(largest, magnitude_of(given(share.row, i)));\n}\nreturn largest;\n}\n\n\nfn write_broken(share: Share, largest: u32) {\nif (share.start == 0u) {\ninverse_rms[arguments.inverse_rms_at + share.row] = broken_inverse(largest);\nif (output == PREPARED) {\nrow_largest[arguments.row_largest_at + share.row] = largest;\n}\n}\nif (output != EVERYTHING) {\nwrite_nan(share, largest);\nreturn;\n}\nfor (var i = share.start; i < arguments.width; i += share.step) {\nvar w = 1.0;\nif (with_weight) {\nw = weight[arguments.weight_at + i];\n}\nlet h = given(share.row, i);\ny[arguments.y_at + share.row * arguments.width + i] = broken_entry(h, w, largest);\n}\n}\n\nstruct Magnitudes {\nsum: f32,\nlargest: u32,\n}\n\n\nfn prepare(share: Share, inverse: f32) -> Magnitudes {\nvar of_row = Magnitudes(0.0, 0u);\nfor (var i = share.start; i < arguments.width; i += share.step) {\nvar h = given(share.row, i);\nif (with_norm) {\nh *= inverse;\nif (with_weight) {\nh *= weight[arguments.weight_at + i];\n}\n}\nif (with_norm || gated != 0u || output == PREPARED) {\ny[arguments.y_at + share.row * arguments.width + i] = h;\n}\nof_row.sum += abs(h);\nof_row.largest = max(of_row.largest, magnitude_of(h));\n}\nreturn of_row;\n}\n\nfn count_from(share: Share, pivot: u32) -> u32 {\nvar count = 0u;\nfor (var i = share.start; i < arguments.width; i += share.step) {\ncount += select(0u, 1u, magnitude_of(value(share.row, i)) >= pivot);\n}\nreturn count;\n}\n\n\nfn count_equal(share: Share, magnitude: u32, end: u32) -> u32 {\nvar count = 0u;\nfor (var i = share.start; i < end; i += share.step) {\ncount += select(0u, 1u, magnitude_of(value(share.row, i)) == magnitude);\n}\nreturn count;\n}\n\nfn write_row(share: Share, cut: Cut, levels: Levels) {\nfor (var i = share.start; i < arguments.width; i += share.step) {\nlet h = value(share.row, i);\ny[arguments.y_at + share.row * arguments.width + i] = written(h, keeps(cut, magnitude_of(h), i), levels);\n}\n}\n\nfn write_nan(share: Share, largest: u32) {\nfor (var i = share.start; i < arguments.width; i += share.step) {\ny[arguments.y_at + share.row * arguments.width + i] = nan_from(largest);\n}\n}\n\n@compute @workgroup_size(team)\nfn sparsify(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet row = group.x + group.y * groups.x;\nif (row >= arguments.rows) {\nreturn;\n}\nlet share = Share(row, lane, team);\nvar inverse = 1.0;\nif (with_norm) {\nlet largest = team_largest(largest_given(share), lane);\nif (largest >= NOT_FINITE) {\nwrite_broken(share, largest);\nreturn;\n}\nlet mean = team_sum(squares(share, largest >= HUGE), lane) / f32(arguments.width);\ninverse = inverse_of(largest, mean, arguments.epsilon);\nif (lane == 0u) {\ninverse_rms[arguments.inverse_rms_at + row] = inverse;\n}\n}\nlet own = prepare(share, inverse);\nif (output == EVERYTHING) {\nreturn;\n}\nlet top = team_largest(own.largest, lane);\nif (output == PREPARED) {\nif (lane == 0u) {\nrow_largest[arguments.row_largest_at + row] = top;\n}\nreturn;\n}\nvar largest = top;\nif (parts_of_rows) {\nlargest = team_largest(row_largest[arguments.row_largest_at + row / arguments.parts], lane);\n}\nif (largest >= NOT_FINITE) {\nwrite_nan(share, largest);\nreturn;\n}\nvar cut = Cut(0u, 0u);\nif (arguments.keep < arguments.width) {\nlet mean = team_sum(own.sum, lane) / f32(arguments.width);\nvar search = search_begin(arguments.width, arguments.keep, top, mean);\nwhile (search.open) {\nsearch = search_step(search, team_count(count_from(share, search.pivot), lane), arguments.keep);\n}\ncut = Cut(search.high, arguments.width);\nif (search.ties == 0u) {\ncut.bound = 0u;\n} else if (must_break_ties(search)) {\n\nvar below = 0u;\nwhile (cut.bound - below > 1u) {\nlet middle = below + (cut.bound - below) / 2u;\nlet count = team_count(count_equal(share, search.high - 1u, middle), lane);\nif (count >= search.ties) {\ncut.bound = middle;\n} else {\nbelow = middle;\n}\n}\n}\n}\nwrite_row(share, cut, levels_of(largest));\n}\n\n@compute @workgroup_size(LANE_THREADS)\nfn sparsify_lane(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet row = (group.x + group.y * groups.x) * LANE_THREADS + lane;\nif (row >= arguments.rows) {\nreturn;\n}\nlet share = Share(row, 0u, 1u);\nvar inverse = 1.0;\nif (with_norm) {\nlet largest = largest_given(share);\nif (largest >= NOT_FINITE) {\nwrite_broken(share, largest);\nreturn;\n}\nlet mean = squares(share, largest >= HUGE) / f32(arguments.width);\ninverse = inverse_of(largest, mean, arguments.epsilon);\ninverse_rms[arguments.inverse_rms_at + row] = inverse;\n}\nlet of_row = prepare(share, inverse);\nif (output == EVERYTHING) {\nreturn;\n}\nif (output == PREPARED) {\nrow_largest[arguments.row_largest_at + row] = of_row.largest;\nreturn;\n}\nvar largest = of_row.largest;\nif (parts_of_rows) {\nlargest = row_largest[arguments.row_largest_at + row / arguments.parts];\n}\nif (largest >= NOT_FINITE) {\nwrite_nan(share, largest);\nreturn;\n}\nvar cut = Cut(0u, 0u);\nif (arguments.keep < arguments.width) {\nlet mean = of_row.sum / f32(arguments.width);\nvar search = search_begin(arguments.width, arguments.keep, of_row.largest, mean);\nwhile (search.open) {\nsearch = search_step(search, count_from(share, search.pivot), arguments.keep);\n}\ncut = Cut(search.high, arguments.width);\nif (search.ties == 0u) {\ncut.bound = 0u;\n} else if (must_break_ties(search)) {\nvar left = search.ties;\nfor (var i = 0u; left > 0u && i < arguments.width; i++) {\nif (magnitude_of(value(row, i)) == search.high - 1u) {\nleft -= 1u;\ncut.bound = i + 1u;\n}\n}\n}\n}\nwrite_row(share, cut, levels_of(largest));\n}\n",
  },
  'ternarize': {
    uniform: 0,
    bindings: [
      { name: 'alpha', index: 1, writes: true, unit: 4 },
      { name: 'sum', index: 2, writes: false, unit: 4 },
      { name: 'w', index: 3, writes: false, unit: 4 },
      { name: 'y', index: 4, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'alphaAt', type: 'u32', view: 'alpha' },
      { name: 'sumAt', type: 'u32', view: 'sum' },
      { name: 'wAt', type: 'u32', view: 'w' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: [],
    source: BITS + FLAT + "//:5\nstruct Arguments {\ncount: u32,\nalpha_at: u32,\nsum_at: u32,\nw_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read_write> alpha: array<f32>;\n@group(0) @binding(2) var<storage, read> sum: array<f32>;\n@group(0) @binding(3) var<storage, read> w: array<f32>;\n@group(0) @binding(4) var<storage, read_write> y: array<f32>;\n\n@compute @workgroup_size(1)\nfn ternary_scale() {\nlet all = sum[arguments.sum_at];\nif (is_finite(all)) {\nalpha[arguments.alpha_at] = max(divide_exactly(all, f32(arguments.count)) * 0x1p32f, 1e-5);\n} else {\nalpha[arguments.alpha_at] = nan_from(bitcast<u32>(all));\n}\n}\n\n@compute @workgroup_size(FLAT_THREADS)\nfn ternarize(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.count) {\nreturn;\n}\nlet level = alpha[arguments.alpha_at];\nif (!is_finite(level)) {\ny[arguments.y_at + i] = level;\nreturn;\n}\nlet x = w[arguments.w_at + i];\n\nlet kept = abs(x) > 0.5 * level;\ny[arguments.y_at + i] = select(0.0, select(level, -level, is_negative(x)), kept);\n}\n",
  },
  'ternary-gemv-dot8': {
    uniform: 0,
    bindings: [
      { name: 'indices', index: 1, writes: false, unit: 4 },
      { name: 'values', index: 2, writes: false, unit: 4 },
      { name: 'count', index: 3, writes: false, unit: 4 },
      { name: 'scale', index: 4, writes: false, unit: 4 },
      { name: 'w', index: 5, writes: false, unit: 4 },
      { name: 'scales', index: 6, writes: false, unit: 16 },
      { name: 'add', index: 7, writes: false, unit: 16 },
      { name: 'y', index: 8, writes: true, unit: 16 },
    ],
    fields: [
      { name: 'workgroups', type: 'u32' },
      { name: 'tiles', type: 'u32' },
      { name: 'splits', type: 'u32' },
      { name: 'lists', type: 'u32' },
      { name: 'keep', type: 'u32' },
      { name: 'inputs', type: 'u32' },
      { name: 'first', type: 'u32' },
      { name: 'channels', type: 'u32' },
      { name: 'units', type: 'u32' },
      { name: 'outputs', type: 'u32' },
      { name: 'firstPart', type: 'u32' },
      { name: 'indicesAt', type: 'u32', view: 'indices' },
      { name: 'valuesAt', type: 'u32', view: 'values' },
      { name: 'countAt', type: 'u32', view: 'count' },
      { name: 'scaleAt', type: 'u32', view: 'scale' },
      { name: 'wAt', type: 'u32', view: 'w' },
      { name: 'scalesAt', type: 'u32', view: 'scales' },
      { name: 'addAt', type: 'u32', view: 'add' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: ['lanes', 'slots', 'staged', 'finish', 'with_scales', 'with_add', 'unaligned'],
    source: PRODUCT_PLACE + BF16 + BITS + TERNARY_GEMV_SUMS + "//:6\nstruct Team {\nsums: Sums,\nvalues: i32,\n}\n\nfn dots(codes: vec4u, four: u32) -> vec4i {\nlet fields = codes & vec4u(0x03030303u);\nreturn vec4i(\ndot4I8Packed(fields.x, four),\ndot4I8Packed(fields.y, four),\ndot4I8Packed(fields.z, four),\ndot4I8Packed(fields.w, four),\n);\n}\n\nfn add_four(team: ptr<function, Team>, values_of: vec4u, words: vec4u) {\nlet four = pack4xU8(values_of);\n\nlet even = (words.xz & vec2u(0x00ff00ffu)) | ((words.yw & vec2u(0x00ff00ffu)) << vec2u(8u));\nlet odd = ((words.xz >> vec2u(8u)) & vec2u(0x00ff00ffu)) | (words.yw & vec2u(0xff00ff00u));\nlet codes = vec4u(\n(even.x & 0xffffu) | (even.y << 16u),\n(odd.x & 0xffffu) | (odd.y << 16u),\n(even.x >> 16u) | (even.y & 0xffff0000u),\n(odd.x >> 16u) | (odd.y & 0xffff0000u),\n);\n(*team).sums.a += dots(codes, four);\n(*team).sums.b += dots(codes >> vec4u(2u), four);\n(*team).sums.c += dots(codes >> vec4u(4u), four);\n(*team).sums.d += dots(codes >> vec4u(6u), four);\n(*team).values += dot4I8Packed(0x01010101u, four);\n}\n\nfn end_few(team: ptr<function, Team>) {\n}\n\n@compute @workgroup_size(lanes * slots)\nfn ternary_gemv(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(num_workgroups) groups: vec3u) {\nproduct(group.x + group.y * groups.x, lane);\n}\n",
  },
  'ternary-gemv': {
    uniform: 0,
    bindings: [
      { name: 'indices', index: 1, writes: false, unit: 4 },
      { name: 'values', index: 2, writes: false, unit: 4 },
      { name: 'count', index: 3, writes: false, unit: 4 },
      { name: 'scale', index: 4, writes: false, unit: 4 },
      { name: 'w', index: 5, writes: false, unit: 4 },
      { name: 'scales', index: 6, writes: false, unit: 16 },
      { name: 'add', index: 7, writes: false, unit: 16 },
      { name: 'y', index: 8, writes: true, unit: 16 },
    ],
    fields: [
      { name: 'workgroups', type: 'u32' },
      { name: 'tiles', type: 'u32' },
      { name: 'splits', type: 'u32' },
      { name: 'lists', type: 'u32' },
      { name: 'keep', type: 'u32' },
      { name: 'inputs', type: 'u32' },
      { name: 'first', type: 'u32' },
      { name: 'channels', type: 'u32' },
      { name: 'units', type: 'u32' },
      { name: 'outputs', type: 'u32' },
      { name: 'firstPart', type: 'u32' },
      { name: 'indicesAt', type: 'u32', view: 'indices' },
      { name: 'valuesAt', type: 'u32', view: 'values' },
      { name: 'countAt', type: 'u32', view: 'count' },
      { name: 'scaleAt', type: 'u32', view: 'scale' },
      { name: 'wAt', type: 'u32', view: 'w' },
      { name: 'scalesAt', type: 'u32', view: 'scales' },
      { name: 'addAt', type: 'u32', view: 'add' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: ['lanes', 'slots', 'staged', 'finish', 'with_scales', 'with_add', 'unaligned'],
    source: PRODUCT_PLACE + BF16 + BITS + TERNARY_GEMV_SUMS + "//:6\nstruct Team {\nsums: Sums,\nvalues: i32,\neven: vec4u,\nodd: vec4u,\n}\n\nfn add_word(team: ptr<function, Team>, value: u32, word: u32) {\nlet fields = vec4u(word) >> vec4u(0u, 2u, 4u, 6u);\n(*team).even += value * (fields & vec4u(0x00030003u));\n(*team).odd += value * ((fields >> vec4u(8u)) & vec4u(0x00030003u));\n(*team).values += bitcast<i32>(value);\n}\n\nfn add_four(team: ptr<function, Team>, four: vec4u, words: vec4u) {\nadd_word(team, four.x, words.x);\nadd_word(team, four.y, words.y);\nadd_word(team, four.z, words.z);\nadd_word(team, four.w, words.w);\n}\n\n\nfn end_few(team: ptr<function, Team>) {\nlet even = bitcast<vec4i>((*team).even);\nlet odd = bitcast<vec4i>((*team).odd);\nlet byte_0 = (even << vec4u(16u)) >> vec4u(16u);\nlet byte_1 = (odd << vec4u(16u)) >> vec4u(16u);\nlet byte_2 = (even - byte_0) >> vec4u(16u);\nlet byte_3 = (odd - byte_1) >> vec4u(16u);\n(*team).sums.a += vec4i(byte_0.x, byte_1.x, byte_2.x, byte_3.x);\n(*team).sums.b += vec4i(byte_0.y, byte_1.y, byte_2.y, byte_3.y);\n(*team).sums.c += vec4i(byte_0.z, byte_1.z, byte_2.z, byte_3.z);\n(*team).sums.d += vec4i(byte_0.w, byte_1.w, byte_2.w, byte_3.w);\n(*team).even = vec4u();\n(*team).odd = vec4u();\n}\n\n@compute @workgroup_size(lanes * slots)\nfn ternary_gemv(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(num_workgroups) groups: vec3u) {\nproduct(group.x + group.y * groups.x, lane);\n}\n",
  },
  'unary-backward-vec4': {
    uniform: 0,
    bindings: [
      { name: 'x', index: 1, writes: false, unit: 16 },
      { name: 'dy', index: 2, writes: false, unit: 16 },
      { name: 'dx', index: 3, writes: true, unit: 16 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'dyAt', type: 'u32', view: 'dy' },
      { name: 'dxAt', type: 'u32', view: 'dx' },
    ],
    overrides: ['kind'],
    source: FLAT + BITS + EXPONENTIALS + ACTIVATIONS + UNARY_FORMULAS + "//:4\nstruct Arguments {\ncount: u32,\nx_at: u32,\ndy_at: u32,\ndx_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> x: array<vec4f>;\n@group(0) @binding(2) var<storage, read> dy: array<vec4f>;\n@group(0) @binding(3) var<storage, read_write> dx: array<vec4f>;\n\noverride kind: u32 = 0u;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn unary_backward(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.count) {\nreturn;\n}\nlet v = x[arguments.x_at + i];\nlet slope = vec4f(\nunary_derivative(kind, v.x),\nunary_derivative(kind, v.y),\nunary_derivative(kind, v.z),\nunary_derivative(kind, v.w),\n);\ndx[arguments.dx_at + i] = slope * dy[arguments.dy_at + i];\n}\n",
  },
  'unary-backward': {
    uniform: 0,
    bindings: [
      { name: 'x', index: 1, writes: false, unit: 4 },
      { name: 'dy', index: 2, writes: false, unit: 4 },
      { name: 'dx', index: 3, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'dyAt', type: 'u32', view: 'dy' },
      { name: 'dxAt', type: 'u32', view: 'dx' },
    ],
    overrides: ['kind'],
    source: FLAT + BITS + EXPONENTIALS + ACTIVATIONS + UNARY_FORMULAS + "//:4\nstruct Arguments {\ncount: u32,\nx_at: u32,\ndy_at: u32,\ndx_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> x: array<f32>;\n@group(0) @binding(2) var<storage, read> dy: array<f32>;\n@group(0) @binding(3) var<storage, read_write> dx: array<f32>;\n\noverride kind: u32 = 0u;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn unary_backward(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.count) {\nreturn;\n}\ndx[arguments.dx_at + i] = unary_derivative(kind, x[arguments.x_at + i]) * dy[arguments.dy_at + i];\n}\n",
  },
  'unary-vec4': {
    uniform: 0,
    bindings: [
      { name: 'x', index: 1, writes: false, unit: 16 },
      { name: 'y', index: 2, writes: true, unit: 16 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: ['kind'],
    source: FLAT + BITS + EXPONENTIALS + ACTIVATIONS + UNARY_FORMULAS + "//:4\nstruct Arguments {\ncount: u32,\nx_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> x: array<vec4f>;\n@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;\n\noverride kind: u32 = 0u;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn unary(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.count) {\nreturn;\n}\nlet v = x[arguments.x_at + i];\ny[arguments.y_at + i] = vec4f(\nunary_value(kind, v.x),\nunary_value(kind, v.y),\nunary_value(kind, v.z),\nunary_value(kind, v.w),\n);\n}\n",
  },
  'unary': {
    uniform: 0,
    bindings: [
      { name: 'x', index: 1, writes: false, unit: 4 },
      { name: 'y', index: 2, writes: true, unit: 4 },
    ],
    fields: [
      { name: 'count', type: 'u32' },
      { name: 'xAt', type: 'u32', view: 'x' },
      { name: 'yAt', type: 'u32', view: 'y' },
    ],
    overrides: ['kind'],
    source: FLAT + BITS + EXPONENTIALS + ACTIVATIONS + UNARY_FORMULAS + "//:4\nstruct Arguments {\ncount: u32,\nx_at: u32,\ny_at: u32,\n}\n@group(0) @binding(0) var<uniform> arguments: Arguments;\n@group(0) @binding(1) var<storage, read> x: array<f32>;\n@group(0) @binding(2) var<storage, read_write> y: array<f32>;\n\noverride kind: u32 = 0u;\n\n@compute @workgroup_size(FLAT_THREADS)\nfn unary(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) lane: u32,\n) {\nlet i = flat_index(group, groups, lane);\nif (i >= arguments.count) {\nreturn;\n}\ny[arguments.y_at + i] = unary_value(kind, x[arguments.x_at + i]);\n}\n",
  },
};
