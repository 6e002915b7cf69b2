package fabricca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"math/big"
	"net/http"
)

// An Identity is somebody whom the CA has given a certificate.
type Identity struct {
	Certificate []byte // PEM
	Key         crypto.Signer
}

// authorize signs a request with the token of Fabric CA: the caller's certificate and a signature, each in base64, with
// a point between them. The signature is of the SHA-256 of the method, the URI, the body and the certificate, of which
// all but the first are in base64, with points between them.
func (i Identity) authorize(request *http.Request, body []byte) error {
	b64 := base64.StdEncoding.EncodeToString
	certificate := b64(i.Certificate)
	signed := request.Method + "." + b64([]byte(request.URL.RequestURI())) + "." + b64(body) + "." + certificate
	digest := sha256.Sum256([]byte(signed))
	signature, err := i.Key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return err
	}
	if signature, err = lowS(i.Key.Public(), signature); err != nil {
		return err
	}
	request.Header.Set("Authorization", certificate+"."+b64(signature))
	return nil
}

// lowS gives an ECDSA signature the one of its two forms that Fabric takes: s is at most half the order of the curve.
func lowS(public crypto.PublicKey, signature []byte) ([]byte, error) {
	key, ok := public.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errors.New("the key must be ECDSA on the curve P-256")
	}
	var parts struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(signature, &parts); err != nil || len(rest) > 0 {
		return nil, errors.New("the key made something that isn't a signature of ECDSA")
	}
	order := key.Params().N
	if parts.S.Cmp(new(big.Int).Rsh(order, 1)) > 0 {
		parts.S.Sub(order, parts.S)
	}
	return asn1.Marshal(parts)
}
