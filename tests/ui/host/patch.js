// Functions that plugins may change from outside: before, instead, after; and the components they
// may reuse. The order of arguments and results is Stash's.

export const components = {};
const patches = { before: {}, instead: {}, after: {} };

const adder = (kind) => (name, change) => {
  (patches[kind][name] = patches[kind][name] || []).push(change);
};
export const before = adder("before");
export const instead = adder("instead");
export const after = adder("after");

export function register(name, component) {
  if (components[name]) throw new Error(`Component ${name} has already been registered`);
  components[name] = component;
  return component;
}

// Each replacement is handed the next one as its last argument; the innermost is the original.
function chain(changes, original) {
  return changes.reduceRight(
    (next, change) => (...args) => change(...args, next),
    original,
  );
}

export function patchable(name, original) {
  return new Proxy(original, {
    apply(target, self, args) {
      const given = (patches.before[name] || []).reduce(
        (current, change) => change.apply(self, current),
        args,
      );
      const run = chain(patches.instead[name] || [], target);
      return (patches.after[name] || []).reduce(
        (result, change) => change.apply(self, given.concat(result)),
        run.apply(self, given),
      );
    },
  });
}

export function patchableComponent(name, component) {
  return register(name, patchable(name, component));
}

export function patchableContainer(name) {
  return patchableComponent(name, ({ children }) => children || null);
}
