"""Checks the receipts of transparent statements, by RFC 9052, 9162, 9942 and 9943 alone.

It knows no trust file: the key is that of the certificate in each header. For each file it prints "good" or "bad", and
the name of the file. "good" means that the statement is signed, has receipts, and that each receipt is signed over the
root that its proof of inclusion gives for SHA-256 of the payload.
"""

import hashlib
import os
import sys

import cbor2
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

ALG, CWT_CLAIMS, X5CHAIN, RECEIPTS, VDS, VDP = 1, 15, 33, 394, 395, 396


def sha256(data):
    return hashlib.sha256(data).digest()


def taken_apart(data):
    tagged = cbor2.loads(data)
    assert isinstance(tagged, cbor2.CBORTag) and tagged.tag == 18, "COSE_Sign1"
    protected, unprotected, payload, signature = tagged.value
    return protected, cbor2.loads(protected), unprotected, payload, signature


def check_signature(protected, header, payload, signature):
    assert header[ALG] == -7 and len(signature) == 64, "ES256"
    key = x509.load_der_x509_certificate(header[X5CHAIN]).public_key()
    assert isinstance(key.curve, ec.SECP256R1), "P-256"
    der = utils.encode_dss_signature(
        int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    )
    to_be_signed = cbor2.dumps(["Signature1", protected, b"", payload])
    key.verify(der, to_be_signed, ec.ECDSA(hashes.SHA256()))


def root_of(entry, size, leaf, path):
    """RFC 9162, section 2.1.3.2."""
    assert leaf < size, "the leaf is in the tree"
    fn, sn, r = leaf, size - 1, sha256(b"\x00" + entry)
    for p in path:
        assert sn != 0, "the path isn't longer than the tree is high"
        if fn & 1 or fn == sn:
            r = sha256(b"\x01" + p + r)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = sha256(b"\x01" + r + p)
        fn, sn = fn >> 1, sn >> 1
    assert sn == 0, "the path isn't shorter than the tree is high"
    return r


def check(data):
    protected, header, unprotected, payload, signature = taken_apart(data)
    check_signature(protected, header, payload, signature)
    assert header[CWT_CLAIMS][2].endswith(sha256(payload).hex()), "the subject is the record"
    receipts = unprotected[RECEIPTS]
    assert receipts
    # The certificate says whose it is: the authority is named after the organisation.
    for receipt in receipts:
        protected, header, unprotected, root, signature = taken_apart(receipt)
        assert header[VDS] == 1 and root is None, "RFC9162_SHA256, detached"
        msp_id = header[CWT_CLAIMS][1].rsplit("/", 1)[1]
        authority = x509.load_der_x509_certificate(header[X5CHAIN]).issuer.rfc4514_string()
        assert authority == "CN=ca." + msp_id, "the certificate is of who gives the receipt"
        (inclusion,) = unprotected[VDP][-1]
        size, leaf, path = cbor2.loads(inclusion)
        assert header[CWT_CLAIMS][2].endswith("#%d" % size), "the size is signed"
        check_signature(protected, header, root_of(sha256(payload), size, leaf, path), signature)


for name in sys.argv[1:]:
    with open(name, "rb") as f:
        content = f.read()
    try:
        check(content)
        verdict = "good"
    except (AssertionError, InvalidSignature, KeyError, ValueError, TypeError):
        verdict = "bad"
    print(verdict, os.path.basename(name))
