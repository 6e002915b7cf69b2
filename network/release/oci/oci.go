// Package oci writes container images as an OCI image layout in a tar archive, without a container engine.
package oci

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"time"

	"github.com/pedigree-ledger/pedigree/network/release/tree"
)

// The media types of the OCI image specification.
const (
	indexType    = "application/vnd.oci.image.index.v1+json"
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

// An Image is one image for several architectures.
type Image struct {
	Tag         string // such as v1.2.3
	User        string // such as 65532:65532
	Entrypoint  []string
	WorkingDir  string
	Env         []string
	Labels      map[string]string
	Made        time.Time
	PerPlatform []Platform
}

// A Platform is the image for one architecture of Linux.
type Platform struct {
	Architecture string      // amd64, arm64 …
	Layers       []tree.Tree // what changes least comes first
}

type platform struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
}

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Platform    *platform         `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type index struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Manifests     []descriptor `json:"manifests"`
}

type manifest struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Config        descriptor   `json:"config"`
	Layers        []descriptor `json:"layers"`
}

type config struct {
	Created time.Time `json:"created"`
	platform
	Config struct {
		User       string            `json:"User"`
		Env        []string          `json:"Env,omitempty"`
		Entrypoint []string          `json:"Entrypoint"`
		WorkingDir string            `json:"WorkingDir"`
		Labels     map[string]string `json:"Labels,omitempty"`
	} `json:"config"`
	RootFS struct {
		Type    string   `json:"type"`
		DiffIDs []string `json:"diff_ids"`
	} `json:"rootfs"`
}

// Write writes the layout. The same image gives the same bytes.
func (i *Image) Write(w io.Writer) error {
	layout := tree.Tree{"/oci-layout": {Mode: 0o644, Content: []byte(`{"imageLayoutVersion":"1.0.0"}`)}}
	all := index{SchemaVersion: 2, MediaType: indexType}
	for _, p := range i.PerPlatform {
		one, err := i.add(layout, p)
		if err != nil {
			return err
		}
		all.Manifests = append(all.Manifests, one)
	}
	whole, err := addJSON(layout, indexType, all)
	if err != nil {
		return err
	}
	whole.Annotations = map[string]string{"org.opencontainers.image.ref.name": i.Tag}
	text, err := json.Marshal(index{SchemaVersion: 2, MediaType: indexType, Manifests: []descriptor{whole}})
	if err != nil {
		return err
	}
	layout["/index.json"] = tree.File{Mode: 0o644, Content: text}
	return layout.Write(w, "", i.Made)
}

// add adds the image for one architecture, and returns the descriptor of its manifest.
func (i *Image) add(layout tree.Tree, p Platform) (descriptor, error) {
	on := platform{p.Architecture, "linux"}
	c := config{Created: i.Made.UTC(), platform: on}
	c.Config.User, c.Config.Env, c.Config.Entrypoint = i.User, i.Env, i.Entrypoint
	c.Config.WorkingDir, c.Config.Labels = i.WorkingDir, i.Labels
	c.RootFS.Type = "layers"
	m := manifest{SchemaVersion: 2, MediaType: manifestType}
	for _, files := range p.Layers {
		var packed, plain bytes.Buffer
		if err := files.Write(&plain, "", i.Made); err != nil {
			return descriptor{}, err
		}
		zip := gzip.NewWriter(&packed)
		if _, err := zip.Write(plain.Bytes()); err != nil {
			return descriptor{}, err
		}
		if err := zip.Close(); err != nil {
			return descriptor{}, err
		}
		c.RootFS.DiffIDs = append(c.RootFS.DiffIDs, digest(plain.Bytes()))
		m.Layers = append(m.Layers, addBlob(layout, layerType, packed.Bytes()))
	}
	var err error
	if m.Config, err = addJSON(layout, configType, c); err != nil {
		return descriptor{}, err
	}
	d, err := addJSON(layout, manifestType, m)
	d.Platform = &on
	return d, err
}

func addJSON(layout tree.Tree, mediaType string, value any) (descriptor, error) {
	text, err := json.Marshal(value)
	return addBlob(layout, mediaType, text), err
}

func addBlob(layout tree.Tree, mediaType string, content []byte) descriptor {
	d := digest(content)
	layout["/blobs/sha256/"+d[len("sha256:"):]] = tree.File{Mode: 0o644, Content: content}
	return descriptor{MediaType: mediaType, Digest: d, Size: len(content)}
}

func digest(content []byte) string {
	hash := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(hash[:])
}
