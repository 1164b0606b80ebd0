import type { MaskMethod } from './rules.ts';

/** Words of field names behind which personal data lies, and what is done to them when no rule says otherwise. */
const personalWords: readonly (readonly [MaskMethod, RegExp])[] = [
  ['hash', /^(password|passwd|pwd|passphrase|secret|token|apikey|credential|credentials|otp|pin|cvv|cvc|salt|session|cookie|fingerprint)$/],
  ['fake', /^(email|emails|mail|phone|phones|telephone|mobile|msisdn|fax|whatsapp|skype)$/],
  ['fake', /^(firstname|lastname|fullname|middlename|surname|forename|givenname|familyname|nickname|maidenname|username)$/],
  ['fake', /^(address|addresses|street|postcode|postal|zip|zipcode|birthday|birthdate|birth|dob|birthplace)$/],
  ['fake', /^(ssn|nin|passport|license|licence|plate|vin|taxid|vat|tin|iban|bic|swift|cardnumber|pan)$/],
  ['fake', /^(ip|ipaddress|imei|imsi|mac|latitude|longitude|lat|lng|lon|coordinates|geolocation)$/],
];

/** Pairs of words that mean the same when they stand beside each other: `first_name`, `apiKey`. */
const pairs =
  /^(first|last|full|middle|given|family|nick|maiden|user|sur)(name)$|^(api|private|access|secret)(key)$|^(date)(ofbirth)$|^(tax|national|passport)(id|number)$|^(card|account|phone|license)(number)$|^(zip|post|postal)(code)$|^(ip|mac|street|home)(address)$|^(birth)(date|day|place)$/;

/** Collections whose `name` is that of a person. */
const people =
  /^(users?|customers?|clients?|persons?|people|members?|employees?|staff|patients?|contacts?|accounts?|drivers?|authors?|students?|teachers?|guests?|leads?|subscribers?|profiles?|owners?|tenants?|applicants?|candidates?|recipients?|travell?ers?|passengers?)$/;

/** What looks personal by the name of its field. `holder`, the collection or the field above, tells whose a `name` is. */
export function personalByName(name: string, holder: string): MaskMethod | undefined {
  const words = wordsOf(name);
  if (words.length === 1 && words[0] === 'name') return wordsOf(holder).some((word) => people.test(word)) ? 'fake' : undefined;
  const joined = words.slice(1).map((word, index) => `${words[index] ?? ''}${word}`);
  for (const word of [...words, ...joined]) {
    if (pairs.test(word)) return word.endsWith('key') ? 'hash' : 'fake';
    const found = personalWords.find(([, pattern]) => pattern.test(word));
    if (found !== undefined) return found[0];
  }
  return undefined;
}

/** Whether the field holds a date that is personal; most dates are not, whatever else the name says: `emailSentAt`. */
export function isBirthDate(name: string): boolean {
  return wordsOf(name).some((word) => /^(dob|birth|birthday|birthdate)$/.test(word));
}

/** `shippingAddress`, `shipping_address` and `shipping-address` are the words `shipping` and `address`. */
function wordsOf(name: string): readonly string[] {
  return name
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\d]+/u)
    .filter((word) => word !== '');
}

const emailPattern = /[\w.!#$%&'*+/=?^`{|}~-]+@[a-z\d-]+(?:\.[a-z\d-]+)+/gi;

/** Whole texts that are personal whatever their field is called. */
const personalTexts: readonly RegExp[] = [
  // A telephone number with its country.
  /^\+\d[\d ()./-]{6,18}\d$/,
  // An IBAN.
  /^[A-Z]{2}\d{2}[ ]?(?:[A-Z\d]{4}[ ]?){2,7}[A-Z\d]{1,4}$/,
  // IPv4.
  /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)$/,
];

/** Tokens by which their bearer is let in: a JSON Web Token, or one with the prefix of a known service. */
const bearerToken = /^(?:eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|(?:sk|pk|rk)_(?:live|test)_\w{8,}|gh[pousr]_\w{20,}|xox[abprs]-[\w-]{10,})$/;

export function isPersonalText(text: string): MaskMethod | undefined {
  if (text.length > 4_096) return undefined;
  if (bearerToken.test(text)) return 'hash';
  if (personalTexts.some((pattern) => pattern.test(text)) || isCardNumber(text)) return 'fake';
  return undefined;
}

/** Replaces every e-mail address in a text. */
export function replaceEmails(text: string, mask: (address: string) => string): string {
  return text.includes('@') ? text.replace(emailPattern, mask) : text;
}

export function isEmail(text: string): boolean {
  return text.includes('@') && new RegExp(`^(?:${emailPattern.source})$`, 'i').test(text);
}

/** 13 to 19 digits whose check digit fits. Source: ISO/IEC 7812-1, annex B. */
function isCardNumber(text: string): boolean {
  if (!/^\d(?:[ -]?\d){12,18}$/.test(text)) return false;
  const digits = text.replace(/\D/g, '').split('').map(Number).reverse();
  const sum = digits.reduce((total, digit, index) => total + (index % 2 === 0 ? digit : digit < 5 ? digit * 2 : digit * 2 - 9), 0);
  return sum % 10 === 0;
}
