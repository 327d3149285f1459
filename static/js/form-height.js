// Tells the page around an embedded form how high it is, so that nothing jumps and nothing scrolls twice.
if (parent !== self) {
  const tell = () => parent.postMessage({ baton: "height", height: document.documentElement.scrollHeight }, "*");
  new ResizeObserver(tell).observe(document.body);
  addEventListener("load", tell);
}
