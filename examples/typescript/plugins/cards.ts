/** A text without card numbers, and how many there were. */
export function hideCards(text: string): { text: string; found: number } {
  let found = 0;
  const hidden = text.replaceAll(/\b\d{12}(\d{4})\b/g, (_, last: string) => {
    found++;
    return `************${last}`;
  });
  return { text: hidden, found };
}
