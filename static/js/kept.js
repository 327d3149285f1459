// What a page still knows after Back or a reload. It stands with its entry of the history: a new visit begins anew, and no
// storage of the browser holds anything.
export const kept = (name) => history.state?.[name];

export function keep(values) {
  history.replaceState({ ...history.state, ...values }, "");
}
