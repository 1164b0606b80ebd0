/**
 * Every form in which a secret may turn up in a log: the text itself, each of its lines, and for a URI its user information and password,
 * both as written and URL-decoded. Host and database names are left out: masking them would make logs unreadable and empty job outputs.
 * Forms under four characters are left out too (a mask of `a` would blank every `a`).
 */
export function derivedForms(secret: string): readonly string[] {
  const forms = new Set<string>([secret, ...secret.split(/\r?\n/)]);
  const userInfo = /^[a-z][a-z0-9+.-]*:\/\/([^@/?#]*)@/i.exec(secret)?.[1];
  if (userInfo !== undefined) {
    forms.add(userInfo);
    const password = userInfo.slice(userInfo.indexOf(':') + 1);
    if (userInfo.includes(':')) {
      forms.add(password);
      forms.add(decoded(password));
    }
  }
  return [...forms].map((form) => form.trim()).filter((form) => form.length >= 4);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
