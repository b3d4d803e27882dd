/** Twelve headers of about 1 kB in all, as browsers and services send. */
export const requestHeaders = [
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Accept-Encoding: gzip, deflate, br',
  'Accept-Language: en-GB,en;q=0.9,de;q=0.8',
  `Authorization: Bearer ${'eyJhbGciOiJIUzI1NiJ9'.repeat(12)}`,
  `Cookie: session=${'0123456789abcdef'.repeat(12)}; theme=dark; consent=1`,
  'Cache-Control: no-cache',
  'Referer: https://shop.example/catalogue/items?page=3',
  'Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  'X-Request-Id: 7b1c7d2e-52c8-4a0f-9a7f-0d5f2f6d9f10',
  'X-Forwarded-For: 203.0.113.7',
];
