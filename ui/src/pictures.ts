// Pictures that stand in JSON: data URLs, or base64 whose first bytes are a picture's.

const DATA_URL = /^data:image\/(?:png|jpeg|gif|webp|avif);base64,[A-Za-z0-9+/=\s]+$/;
const BEGINNINGS = { "iVBORw0KGgo": "png", "/9j/": "jpeg", "R0lGOD": "gif", "UklGR": "webp" };
const SMALLEST = 60;

export function pictureOf(text: string): string | null {
  if (text.length < SMALLEST) return null;
  if (text.startsWith("data:")) return DATA_URL.test(text) ? text : null;
  const found = Object.entries(BEGINNINGS).find(([beginning]) => text.startsWith(beginning));
  return found && /^[A-Za-z0-9+/=\s]+$/.test(text) ? `data:image/${found[1]};base64,${text}` : null;
}
