// A value that changes with every token, passed on once per frame of the screen.
import { untrack } from "svelte";

// Call it while a component is made. The first value is there at once.
export function every_frame<T>(read: () => T): { readonly value: T } {
  let value = $state.raw(untrack(read));
  let frame = 0;
  let first = true;
  $effect(() => {
    read();
    if (first) first = false;
    else if (frame === 0) {
      frame = requestAnimationFrame(() => {
        frame = 0;
        value = untrack(read);
      });
    }
  });
  $effect(() => () => cancelAnimationFrame(frame));
  return {
    get value() {
      return value;
    },
  };
}
