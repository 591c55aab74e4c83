// node-saml's reading: saml_reading.mjs NODE_MODULES CERTIFICATE.pem NOW_MS. One base64 response a line on standard
// input; one line back, "+ NAME-ID" or "- WHY".
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [modules, certificate, now] = process.argv.slice(2);
const { SAML } = createRequire(`${modules}/x.js`)("@node-saml/node-saml");

Date.now = () => Number(now);
const RealDate = Date;
globalThis.Date = class extends RealDate {
    constructor(...given) {
        super(...(given.length ? given : [Number(now)]));
    }
};

function reader(both) {
    return new SAML({
        callbackUrl: "https://wiki.example.com/saml/acs",
        issuer: "https://wiki.example.com",
        audience: "https://wiki.example.com",
        idpCert: readFileSync(certificate, "utf8"),
        wantAuthnResponseSigned: both.response,
        wantAssertionsSigned: both.assertion,
        acceptedClockSkewMs: 60000,
    });
}

const readers = [reader({ response: true, assertion: false }), reader({ response: false, assertion: true })];

async function read(line) {
    let why;
    for (const one of readers) {
        try {
            const { profile } = await one.validatePostResponseAsync({ SAMLResponse: line });
            return `+ ${profile.nameID}`;
        } catch (error) {
            why = String(error.message).split("\n")[0];
        }
    }
    return `- ${why}`;
}

for await (const line of createInterface({ input: process.stdin }))
    console.log(await read(line));
