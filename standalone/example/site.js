// A site with a single page: its links change the address and the heading, nothing is loaded.
const show = () => {
  document.querySelector("h1").textContent = location.pathname.endsWith("/pricing") ? "Pricing" : "Home";
};

document.querySelector("nav").addEventListener("click", (event) => {
  if (!event.target.href || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  history.pushState(null, "", event.target.href);
  show();
});
document.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  document.querySelector("[role=status]").textContent = "Thank you.";
});
addEventListener("popstate", show);
show();
