/** What Vite makes of `?raw`. */
declare module '*?raw' {
  const text: string;
  export default text;
}
