// Package kubernetes holds the manifests, and the test that Kubernetes' own types take them. It is a module of its own: those types
// bring seventeen modules along, which who builds replayd need not fetch. What the manifests do is tested beside the program, in
// cmd/replayd.
package kubernetes

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

// kinds are what the manifests may hold.
var kinds = map[string]func() any{
	"v1/ServiceAccount":                  func() any { return new(core.ServiceAccount) },
	"v1/ConfigMap":                       func() any { return new(core.ConfigMap) },
	"v1/Service":                         func() any { return new(core.Service) },
	"apps/v1/Deployment":                 func() any { return new(apps.Deployment) },
	"batch/v1/CronJob":                   func() any { return new(batch.CronJob) },
	"policy/v1/PodDisruptionBudget":      func() any { return new(policy.PodDisruptionBudget) },
	"networking.k8s.io/v1/NetworkPolicy": func() any { return new(networking.NetworkPolicy) },
}

// TestManifestsAreOfTheTypesOfKubernetes fails on a field that there is not, of another type, or twice.
func TestManifestsAreOfTheTypesOfKubernetes(t *testing.T) {
	files, err := filepath.Glob("*.yaml")
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	var seen []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range strings.Split(string(text), "\n---\n") {
			var head struct{ APIVersion, Kind string }
			if err := yaml.Unmarshal([]byte(part), &head); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			name := head.APIVersion + "/" + head.Kind
			kind := kinds[name]
			if kind == nil {
				t.Errorf("%s: nothing is known of %s", file, name)
				continue
			}
			into := kind()
			if err := yaml.UnmarshalStrict([]byte(part), into); err != nil {
				t.Errorf("%s, %s: %v", file, name, err)
			}
			checkPod(t, into)
			seen = append(seen, name)
		}
	}
	for name := range kinds {
		if !slices.Contains(seen, name) {
			t.Errorf("there is no %s", name)
		}
	}
}

// checkPod holds what runs against what it must not do, and its volumes against where they are mounted.
func checkPod(t *testing.T, of any) {
	t.Helper()
	var pod *core.PodSpec
	switch o := of.(type) {
	case *apps.Deployment:
		pod = &o.Spec.Template.Spec
		if !contains(o.Spec.Template.Labels, o.Spec.Selector.MatchLabels) {
			t.Error("the deployment does not select its own pods")
		}
	case *batch.CronJob:
		pod = &o.Spec.JobTemplate.Spec.Template.Spec
	default:
		return
	}
	if s := pod.SecurityContext; s == nil || s.RunAsNonRoot == nil || !*s.RunAsNonRoot || s.SeccompProfile == nil || s.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault {
		t.Errorf("a pod runs with %+v", s)
	}
	if a := pod.AutomountServiceAccountToken; a == nil || *a {
		t.Error("a pod has a token for Kubernetes, of which it asks nothing")
	}
	volumes := map[string]bool{}
	for _, v := range pod.Volumes {
		volumes[v.Name] = true
		if e := v.EmptyDir; e != nil && (e.SizeLimit == nil || e.Medium != core.StorageMediumDefault) {
			t.Errorf("volume %s has no limit, or is memory", v.Name)
		}
	}
	for _, c := range pod.Containers {
		s := c.SecurityContext
		if s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation ||
			s.Capabilities == nil || !slices.Equal(s.Capabilities.Drop, []core.Capability{"ALL"}) {
			t.Errorf("container %s runs with %+v", c.Name, s)
		}
		if c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() {
			t.Errorf("container %s has no limit of memory, or asks for no processor", c.Name)
		}
		for _, m := range c.VolumeMounts {
			if !volumes[m.Name] {
				t.Errorf("container %s mounts %s, which there is not", c.Name, m.Name)
			}
			delete(volumes, m.Name)
		}
	}
	for name := range volumes {
		t.Errorf("nothing mounts volume %s", name)
	}
}

func contains(all, some map[string]string) bool {
	for k, v := range some {
		if all[k] != v {
			return false
		}
	}
	return len(some) > 0
}
