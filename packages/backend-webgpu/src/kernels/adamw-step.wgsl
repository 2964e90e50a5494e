//! What all elements of an AdamW step have in common, from the arguments, `norm` and `hyper` of adamw.wgsl.
//#include "bits.wgsl"

struct Factors {
  finite: bool,
  clip: f32,
  kept: f32,
  rate: f32,
  correction1: f32,
  correction2: f32,
}

fn factors() -> Factors {
  let length = norm[arguments.norm_at];
  let at = arguments.hyper_at;
  let rate = hyper[at];
  let most = hyper[at + 4u];
  var all: Factors;
  all.finite = is_finite(length);
  // The 1e-6 is that of the op's spec.
  all.clip = select(1.0, min(1.0, most / (length + 1e-6)), most > 0.0);
  all.kept = select(1.0, 1.0 - rate * hyper[at + 1u], arguments.decay != 0u);
  all.rate = rate;
  all.correction1 = hyper[at + 2u];
  all.correction2 = hyper[at + 3u];
  return all;
}
