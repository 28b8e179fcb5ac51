// The page of a program that was built without npm: lists the syncs, starts and stops them.
'use strict';

const summary = document.getElementById('summary');
const note = document.getElementById('note');
const list = document.getElementById('syncs');
let csrf = '';

async function ask(method, path, body) {
  const response = await fetch(`/api/v1${path}`, {
    method,
    headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': csrf },
    body: body && JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${answer.title} ${answer.detail} ${answer.actions.join(' ')}`);
  return answer;
}

async function show() {
  const [state, page] = await Promise.all([ask('GET', '/status'), ask('GET', '/items?limit=100')]);
  summary.textContent = state.summary;
  list.replaceChildren(
    ...page.items.map((item) => {
      const row = document.createElement('li');
      const name = document.createElement('bdi');
      const words = document.createElement('span');
      const button = document.createElement('button');
      name.textContent = item.title;
      words.textContent = item.words;
      const run = item.running[0] ?? item.queued[0];
      button.textContent = run ? 'Stop' : 'Sync now';
      button.setAttribute('aria-label', `${button.textContent} ${item.title}`);
      button.onclick = () =>
        tell(() => (run ? ask('POST', `/sessions/${run}/cancel`, {}) : ask('POST', '/sessions', { items: [item.id] })));
      row.append(name, words, button);
      return row;
    }),
  );
}

async function tell(work) {
  try {
    await work();
  } catch (error) {
    note.textContent = error.message;
  }
}

tell(async () => {
  const code = new URLSearchParams(location.hash.slice(1)).get('code');
  if (code) history.replaceState({}, '', location.pathname);
  ({ csrf } = code ? await ask('POST', '/sign-in', { code }) : await ask('GET', '/sign-in'));
  await show();
  const stream = new EventSource('/api/v1/stream');
  let timer;
  for (const kind of ['item', 'item_gone', 'session', 'session_ended', 'reset']) {
    stream.addEventListener(kind, () => {
      clearTimeout(timer);
      timer = setTimeout(() => tell(show), 250);
    });
  }
});
