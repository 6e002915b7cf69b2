// Package kubernetes holds the manifests of an organisation against what Kubernetes and Kustomize accept. It is a module
// of its own, for its own dependencies.
package kubernetes

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// What a base is built to.
type built struct {
	set      apps.StatefulSet
	services map[string]core.Service
	config   core.ConfigMap
	secret   core.Secret
	policy   networking.NetworkPolicy
}

// build runs Kustomize on the manifests that a test of network/kubernetes wrote, with the name of each file that they
// refer to as its content. Then it reads each object strictly.
func build(t *testing.T, name string) built {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../network/kubernetes/testdata/"+name)); err != nil {
		t.Fatal(err)
	}
	var base struct{ ConfigMapGenerator, SecretGenerator []struct{ Files []string } }
	text, err := os.ReadFile(filepath.Join(dir, "kustomization.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &base); err != nil {
		t.Fatal(err)
	}
	for _, generator := range slices.Concat(base.ConfigMapGenerator, base.SecretGenerator) {
		for _, file := range generator.Files {
			_, file, _ = strings.Cut(file, "=")
			path := filepath.Join(dir, file)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	objects, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		t.Fatal(err)
	}
	b := built{services: map[string]core.Service{}}
	for _, object := range objects.Resources() {
		text, err := object.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		var into any
		var service core.Service
		switch kind := object.GetKind(); kind {
		case "StatefulSet":
			into = &b.set
		case "Service":
			into = &service
		case "ConfigMap":
			into = &b.config
		case "Secret":
			into = &b.secret
		case "NetworkPolicy":
			into = &b.policy
		default:
			t.Fatalf("there is a %s", kind)
		}
		if err := yaml.UnmarshalStrict(text, into); err != nil {
			t.Errorf("%s: %v\n%s", object.GetKind(), err, text)
		}
		if service.Name != "" {
			b.services[service.Name] = service
		}
	}
	return b
}

func TestTheManifestsAreOfTheTypesOfKubernetes(t *testing.T) {
	for name, containers := range map[string][]string{
		"harbor": {"chaincode", "gateway", "orderer", "peer"}, "market": {"chaincode", "peer"},
	} {
		t.Run(name, func(t *testing.T) {
			b := build(t, name)
			pod := b.set.Spec.Template.Spec
			var names []string
			for _, c := range pod.Containers {
				names = append(names, c.Name)
				checkContainer(t, c)
			}
			if !slices.Equal(names, containers) {
				t.Errorf("the pod has %v", names)
			}
			checkPod(t, pod)
			checkFiles(t, b)
			checkReach(t, b)
		})
	}
}

// checkPod holds the pod against the profile "restricted" of the Pod Security Standards.
func checkPod(t *testing.T, pod core.PodSpec) {
	s := pod.SecurityContext
	if s == nil || s.RunAsNonRoot == nil || !*s.RunAsNonRoot || *s.RunAsUser == 0 || s.FSGroup == nil ||
		s.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault {
		t.Errorf("the pod has the security context %v", s)
	}
	if *pod.AutomountServiceAccountToken || *pod.EnableServiceLinks || pod.HostNetwork || pod.HostPID {
		t.Error("the pod has more than it needs")
	}
}

func checkContainer(t *testing.T, c core.Container) {
	s := c.SecurityContext
	if s == nil || *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem ||
		!slices.Equal(s.Capabilities.Drop, []core.Capability{"ALL"}) || len(s.Capabilities.Add) > 0 {
		t.Errorf("%s has the security context %v", c.Name, s)
	}
	if len(c.Resources.Requests) != 2 || c.Image == "" {
		t.Errorf("%s requests %v of the image %q", c.Name, c.Resources.Requests, c.Image)
	}
	for _, probe := range []*core.Probe{c.LivenessProbe, c.ReadinessProbe} {
		if probe == nil || probe.HTTPGet == nil {
			t.Fatalf("%s lacks a probe", c.Name)
		}
		asked := func(p core.ContainerPort) bool { return p.ContainerPort == probe.HTTPGet.Port.IntVal }
		if !slices.ContainsFunc(c.Ports, asked) {
			t.Errorf("%s has no port %v", c.Name, probe.HTTPGet.Port)
		}
	}
}

// checkFiles checks that each file of the ConfigMap and the Secret, under the names that Kustomize gave these, is mounted
// where the organisation's folder has it, and that no key is outside the Secret.
func checkFiles(t *testing.T, b built) {
	mounted := 0
	for _, volume := range b.set.Spec.Template.Spec.Volumes {
		if volume.Projected == nil {
			continue
		}
		for _, source := range volume.Projected.Sources {
			if c := source.ConfigMap; c != nil {
				if c.Name != b.config.Name || len(c.Items) != len(b.config.Data) {
					t.Errorf("%s is mounted, and there is %s", c.Name, b.config.Name)
				}
				for _, item := range c.Items {
					if b.config.Data[item.Key] != item.Path || strings.HasSuffix(item.Path, "key.pem") {
						t.Errorf("%q is mounted at %s", b.config.Data[item.Key], item.Path)
					}
					mounted++
				}
			}
			if s := source.Secret; s != nil {
				if s.Name != b.secret.Name || len(s.Items) != len(b.secret.Data) {
					t.Errorf("%s is mounted, and there is %s", s.Name, b.secret.Name)
				}
				for _, item := range s.Items {
					if string(b.secret.Data[item.Key]) != item.Path {
						t.Errorf("%q is mounted at %s", b.secret.Data[item.Key], item.Path)
					}
					mounted++
				}
			}
		}
	}
	if mounted < 4 {
		t.Errorf("only %d files are mounted", mounted)
	}
}

// checkReach checks that each service leads to a port of a container, and that the policy lets exactly those in.
func checkReach(t *testing.T, b built) {
	ports, names := map[int32]bool{}, map[string]bool{}
	for _, c := range b.set.Spec.Template.Spec.Containers {
		for _, p := range c.Ports {
			if names[p.Name] || ports[p.ContainerPort] || len(p.Name) > 15 {
				t.Errorf("the port %s %d is there twice, or has a long name", p.Name, p.ContainerPort)
			}
			ports[p.ContainerPort], names[p.Name] = true, true
		}
	}
	if _, ok := b.services[b.set.Spec.ServiceName]; !ok {
		t.Errorf("there is no service %s", b.set.Spec.ServiceName)
	}
	var led, let []int32
	for name, service := range b.services {
		for key, value := range service.Spec.Selector {
			if b.set.Spec.Template.Labels[key] != value {
				t.Errorf("%s leads to another pod", name)
			}
		}
		for _, p := range service.Spec.Ports {
			if led = append(led, p.TargetPort.IntVal); !ports[p.TargetPort.IntVal] {
				t.Errorf("%s leads to port %v, which no container has", name, p.TargetPort)
			}
		}
	}
	for _, rule := range b.policy.Spec.Ingress {
		for _, p := range rule.Ports {
			let = append(let, p.Port.IntVal)
		}
	}
	slices.Sort(led)
	slices.Sort(let)
	if len(led) == 0 || !slices.Equal(led, let) {
		t.Errorf("services lead to %v, and the policy lets %v in", led, let)
	}
}
