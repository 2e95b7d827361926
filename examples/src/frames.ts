/**
 * The three stages of `frame-pipeline.ts`: ops on a frame of WIDTH × HEIGHT pixels, one byte each.
 *
 * A stage that works in place gets the very bytes that the stage before has left, on whatever thread.
 */
import { defineOp } from 'millrace';

export const WIDTH = 1280;
export const HEIGHT = 720;
export const FRAME_BYTES = WIDTH * HEIGHT;

const RADIUS = 60;
const BRIGHT = 128;

/** Where the disc of frame `number` is. */
export function centreOf(number: number): { x: number; y: number } {
  return { x: 100 + ((number * 7) % (WIDTH - 200)), y: 100 + ((number * 3) % (HEIGHT - 200)) };
}

/** Stage 1 draws a frame, as a camera or a decoder would: a disc on a background that is not plain. */
export const draw = defineOp<{ number: number }>(import.meta.url, 'draw', {
  inPlace: true,
  run(bytes, { number }) {
    const { x, y } = centreOf(number);
    for (let row = 0, i = 0; row < HEIGHT; row++) {
      for (let column = 0; column < WIDTH; column++, i++) {
        const inside = (column - x) ** 2 + (row - y) ** 2 <= RADIUS ** 2;
        bytes[i] = inside ? 250 : (column ^ row) & 63;
      }
    }
  },
});

/** Stage 2 leaves the outlines: how much a pixel differs from the ones right of it and below it. */
export const outline = defineOp(import.meta.url, 'outline', {
  inPlace: true,
  run(bytes) {
    for (let i = 0; i < bytes.length - WIDTH; i++) {
      const pixel = bytes[i]!;
      // Both neighbours are still as they were drawn: we go from left to right and from top to bottom.
      const across = Math.abs(pixel - bytes[i + 1]!);
      const down = Math.abs(pixel - bytes[i + WIDTH]!);
      bytes[i] = Math.min(255, across + down);
    }
    bytes.fill(0, bytes.length - WIDTH);
  },
});

export interface Seen {
  /** Pixels of the outline, and their centre. */
  pixels: number;
  x: number;
  y: number;
}

/** Stage 3 looks where the outline is. What it returns is small, and is cloned. */
export const locate = defineOp(import.meta.url, 'locate', {
  run(bytes): Seen {
    const seen = { pixels: 0, x: 0, y: 0 };
    for (let i = 0; i < bytes.length; i++) {
      if (bytes[i]! < BRIGHT) continue;
      seen.pixels++;
      seen.x += i % WIDTH;
      seen.y += Math.floor(i / WIDTH);
    }
    return { pixels: seen.pixels, x: seen.x / seen.pixels, y: seen.y / seen.pixels };
  },
});
