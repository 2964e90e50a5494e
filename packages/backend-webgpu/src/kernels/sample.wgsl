//! sample: one index a row: the top_k largest logits (equal ones by index), of these the smallest set of likely ones that
//! reaches top_p, then a draw with Philox. -1 for a row without a distribution. A workgroup a row. Nothing is sorted: the
//! key at which a sum of weights is reached is found two bits at a time.
//#include "rows.wgsl"
//#include "exponentials.wgsl"
//#include "philox.wgsl"
struct Arguments {
  rows: u32,
  width: u32,
  // Rows before the first one here: a large tensor takes several launches.
  first_row: u32,
  // 1 to width.
  top_k: u32,
  temperature: f32,
  // 1: all.
  top_p: f32,
  logits_at: u32,
  random_at: u32,
  y_at: u32,
}
@group(0) @binding(0) var<uniform> arguments: Arguments;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> random: array<u32>;
// [rows, width]: the indices of what top_k keeps, in order.
@group(0) @binding(3) var<storage, read_write> kept: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<u32>;

const BINS = 256u;
var<workgroup> bins: array<atomic<u32>, BINS>;
var<workgroup> chosen: vec2u;
var<workgroup> counts: array<u32, team>;
var<workgroup> sums: array<vec4f, team>;

/// Whole numbers that order like logits; -0 is 0.
fn key_of(x: f32) -> u32 {
  return select(order_of(x), 0x80000000u, magnitude_of(x) == 0u);
}

fn logit_at(row: u32, i: u32) -> f32 {
  return logits[arguments.logits_at + row * arguments.width + i];
}

/// Index of entry i of what is kept.
fn entry_at(row: u32, i: u32) -> u32 {
  if (arguments.top_k < arguments.width) {
    return kept[row * arguments.width + i];
  }
  return i;
}

/// The sum of the values of lower lanes.
fn sum_before(value: u32, lane: u32) -> u32 {
  workgroupBarrier();
  counts[lane] = value;
  workgroupBarrier();
  if (lane == 0u) {
    var sum = 0u;
    for (var i = 0u; i < team; i++) {
      let here = counts[i];
      counts[i] = sum;
      sum += here;
    }
  }
  workgroupBarrier();
  return counts[lane];
}

fn sum_of_four(values: vec4f, lane: u32) -> vec4f {
  workgroupBarrier();
  sums[lane] = values;
  workgroupBarrier();
  var sum = vec4f();
  if (lane < 16u) {
    for (var i = lane; i < team; i += 16u) {
      sum += sums[i];
    }
    sums[lane] = sum;
  }
  workgroupBarrier();
  if (lane == 0u) {
    for (var i = 1u; i < 16u; i++) {
      sum += sums[i];
    }
    sums[0] = sum;
  }
  return workgroupUniformLoad(&sums[0]);
}

/// The key of the top_k-th entry, and how many that have it are kept.
fn last_kept(row: u32, lane: u32) -> vec2u {
  var prefix = 0u;
  var need = arguments.top_k;
  for (var shift = 24u; shift <= 24u; shift -= 8u) {
    for (var bin = lane; bin < BINS; bin += team) {
      atomicStore(&bins[bin], 0u);
    }
    workgroupBarrier();
    for (var i = lane; i < arguments.width; i += team) {
      let key = key_of(logit_at(row, i));
      if (shift == 24u || (key >> ((shift + 8u) & 31u)) == prefix) {
        atomicAdd(&bins[(key >> shift) & 255u], 1u);
      }
    }
    workgroupBarrier();
    if (lane == 0u) {
      var bin = BINS - 1u;
      var left = need;
      for (; bin > 0u; bin--) {
        let here = atomicLoad(&bins[bin]);
        if (here >= left) {
          break;
        }
        left -= here;
      }
      chosen = vec2u(bin, left);
    }
    let found = workgroupUniformLoad(&chosen);
    prefix = (prefix << 8u) | found.x;
    need = found.y;
  }
  return vec2u(prefix, need);
}

/// Writes the indices of what top_k keeps, in order. A lane has neighbours.
fn keep(row: u32, last: vec2u, lane: u32) {
  let length = (arguments.width + team - 1u) / team;
  let begin = min(arguments.width, lane * length);
  let end = min(arguments.width, begin + length);
  var above = 0u;
  var ties = 0u;
  for (var i = begin; i < end; i++) {
    let key = key_of(logit_at(row, i));
    above += select(0u, 1u, key > last.x);
    ties += select(0u, 1u, key == last.x);
  }
  let ties_before = sum_before(ties, lane);
  var ties_left = min(ties, last.y - min(last.y, ties_before));
  var place = row * arguments.width + sum_before(above + ties_left, lane);
  for (var i = begin; i < end; i++) {
    let key = key_of(logit_at(row, i));
    var takes = key > last.x;
    if (key == last.x && ties_left > 0u) {
      ties_left--;
      takes = true;
    }
    if (takes) {
      kept[place] = i;
      place++;
    }
  }
  storageBarrier();
}

fn weight_of(x: f32, largest: f32) -> f32 {
  return exp_of((x - largest) / arguments.temperature);
}

struct Reached {
  key: u32,
  // The sum of the weights of larger keys.
  before: f32,
}

/// The first key, from the largest down to above `floor`, at which the sum of weights reaches `goal`, or exceeds it where
/// `beyond`.
fn reach(row: u32, goal: f32, beyond: bool, lowest: u32, largest: f32, lane: u32) -> Reached {
  var prefix = 0u;
  var before = 0.0;
  for (var shift = 30u; shift <= 30u; shift -= 2u) {
    var parts = vec4f();
    for (var i = lane; i < arguments.top_k; i += team) {
      let x = logit_at(row, entry_at(row, i));
      let key = key_of(x);
      if (key > lowest && (shift == 30u || (key >> ((shift + 2u) & 31u)) == prefix)) {
        let digit = (key >> shift) & 3u;
        parts += select(vec4f(), vec4f(weight_of(x, largest)), vec4u(digit) == vec4u(0u, 1u, 2u, 3u));
      }
    }
    let all = sum_of_four(parts, lane);
    var digit = 0u;
    var sum = before;
    var found = false;
    for (var i = 0u; i < 4u && !found; i++) {
      let here = all[3u - i];
      let next = sum + here;
      if (here > 0.0) {
        // The last one with weight where rounding keeps the sum from its goal.
        digit = 3u - i;
        before = sum;
        found = (next > goal) || (!beyond && next == goal);
      }
      sum = next;
    }
    prefix = (prefix << 2u) | digit;
  }
  return Reached(prefix, before);
}

fn count_of(row: u32, key: u32, lane: u32) -> u32 {
  var count = 0u;
  for (var i = lane; i < arguments.top_k; i += team) {
    count += select(0u, 1u, key_of(logit_at(row, entry_at(row, i))) == key);
  }
  return team_count(count, lane);
}

/// How many weights, 1 to `most`, bring a sum from `before` to `goal`, or beyond it.
fn weights_needed(before: f32, weight: f32, goal: f32, beyond: bool, most: u32) -> u32 {
  var count = clamp(u32(max(0.0, (goal - before) / weight)), 1u, most);
  while (count > 1u && enough(before + f32(count - 1u) * weight, goal, beyond)) {
    count--;
  }
  while (count < most && !enough(before + f32(count) * weight, goal, beyond)) {
    count++;
  }
  return count;
}

fn enough(sum: f32, goal: f32, beyond: bool) -> bool {
  return sum > goal || (!beyond && sum == goal);
}

@compute @workgroup_size(team)
fn sample(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = group.x + group.y * groups.x;
  if (row >= arguments.rows) {
    return;
  }
  var highest = 0u;
  for (var i = lane; i < arguments.width; i += team) {
    highest = max(highest, order_of(logit_at(row, i)));
  }
  highest = team_largest(highest, lane);
  // NaN and infinity, or nothing but -infinity.
  if (highest >= 0xff800000u || highest == 0x007fffffu) {
    if (lane == 0u) {
      y[arguments.y_at + row] = 0xffffffffu;
    }
    return;
  }
  let largest = from_order(highest);
  if (arguments.top_k < arguments.width) {
    keep(row, last_kept(row, lane), lane);
  }

  var sum = 0.0;
  for (var i = lane; i < arguments.top_k; i += team) {
    sum += weight_of(logit_at(row, entry_at(row, i)), largest);
  }
  var total = team_sum(sum, lane);
  // The last key of the smallest set that reaches top_p, and how many that have it belong to the set.
  var last = Reached(0u, total);
  var ties = 0u;
  if (arguments.top_p < 1.0) {
    let goal = arguments.top_p * total;
    last = reach(row, goal, false, 0u, largest, lane);
    let weight = weight_of(from_order(last.key), largest);
    ties = weights_needed(last.before, weight, goal, false, count_of(row, last.key, lane));
    total = last.before + f32(ties) * weight;
  }

  let state = vec4u(
    random[arguments.random_at],
    random[arguments.random_at + 1u],
    random[arguments.random_at + 2u],
    random[arguments.random_at + 3u],
  );
  let goal = uniform_of(philox(state, arguments.first_row + row).x) * total;
  var drawn = last;
  var most = ties;
  // The same for all lanes, which the compiler cannot know of numbers in memory.
  if (lane == 0u) {
    chosen = vec2u(select(0u, 1u, ties == 0u || goal < last.before), bitcast<u32>(goal));
  }
  if (workgroupUniformLoad(&chosen).x == 1u) {
    drawn = reach(row, goal, true, last.key, largest, lane);
    most = count_of(row, drawn.key, lane);
  }
  let wanted = weights_needed(drawn.before, weight_of(from_order(drawn.key), largest), goal, true, most) - 1u;
  let length = (arguments.top_k + team - 1u) / team;
  let begin = min(arguments.top_k, lane * length);
  let end = min(arguments.top_k, begin + length);
  var count = 0u;
  for (var i = begin; i < end; i++) {
    count += select(0u, 1u, key_of(logit_at(row, entry_at(row, i))) == drawn.key);
  }
  let before = sum_before(count, lane);
  if (wanted < before || wanted >= before + count) {
    return;
  }
  var left = wanted - before;
  for (var i = begin; i < end; i++) {
    let index = entry_at(row, i);
    if (key_of(logit_at(row, index)) == drawn.key) {
      if (left == 0u) {
        y[arguments.y_at + row] = index;
        return;
      }
      left--;
    }
  }
}
