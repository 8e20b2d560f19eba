package main

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// A resource type's inputs are one Go struct: the `json` tag is the official schema's name, and `replaces:"no"` marks
// a property that does not replace the resource.

func propertiesOf(inputs any) map[resource.PropertyKey]bool {
	found := map[resource.PropertyKey]bool{}
	kind := reflect.TypeOf(inputs)
	for index := range kind.NumField() {
		field := kind.Field(index)
		found[resource.PropertyKey(field.Tag.Get("json"))] = field.Tag.Get("replaces") != "no"
	}
	return found
}

// misfits returns the fault of each property whose value does not have the type of its field.
func misfits(inputs any, values resource.PropertyMap) map[resource.PropertyKey]string {
	faults := map[resource.PropertyKey]string{}
	for key, value := range values {
		if field, known := fieldOf(reflect.TypeOf(inputs), string(key)); known {
			if fault := misfit(string(key), value, field.Type); fault != "" {
				faults[key] = fault
			}
		}
	}
	return faults
}

func fieldOf(kind reflect.Type, name string) (reflect.StructField, bool) {
	for index := range kind.NumField() {
		if kind.Field(index).Tag.Get("json") == name {
			return kind.Field(index), true
		}
	}
	return reflect.StructField{}, false
}

func misfit(path string, value resource.PropertyValue, want reflect.Type) string {
	if want.Kind() == reflect.Pointer {
		want = want.Elem()
	}
	switch {
	case value.IsComputed():
		return ""
	case want.Kind() == reflect.Slice && value.IsArray():
		for index, element := range value.ArrayValue() {
			if fault := misfit(fmt.Sprintf("%s[%d]", path, index), element, want.Elem()); fault != "" {
				return fault
			}
		}
		return ""
	case want.Kind() == reflect.Struct && value.IsObject(), want.Kind() == reflect.Map && value.IsObject():
		return misfitInside(path, value.ObjectValue(), want)
	case want.Kind() == reflect.String && value.IsString(), want.Kind() == reflect.Bool && value.IsBool():
		return ""
	case want.Kind() == reflect.Int64 && value.IsNumber() && value.NumberValue() == math.Trunc(value.NumberValue()):
		return ""
	}
	return fmt.Sprintf("%s is a %s, but it must be %s", path, value.TypeString(), kindNames[want.Kind()])
}

var kindNames = map[reflect.Kind]string{
	reflect.Slice: "a list", reflect.Struct: "an object", reflect.Map: "an object of texts",
	reflect.String: "a text", reflect.Bool: "true or false", reflect.Int64: "a whole number",
}

func misfitInside(path string, values resource.PropertyMap, want reflect.Type) string {
	for _, key := range values.StableKeys() {
		within := path + "." + string(key)
		if want.Kind() == reflect.Map {
			if fault := misfit(within, values[key], want.Elem()); fault != "" {
				return fault
			}
			continue
		}
		field, known := fieldOf(want, string(key))
		if !known && !strings.HasPrefix(string(key), "__") {
			return unserved(within, "docker")
		}
		if known {
			if fault := misfit(within, values[key], field.Type); fault != "" {
				return fault
			}
		}
	}
	return ""
}

// decode reads checked inputs into their struct.
func decode[T any](values resource.PropertyMap) (T, error) {
	var decoded T
	encoded, err := json.Marshal(values.Mappable())
	if err == nil {
		err = json.Unmarshal(encoded, &decoded)
	}
	return decoded, err
}

// known is whether an input is there and no unknown of a preview.
func known(value resource.PropertyValue) bool { return !value.IsNull() && !value.ContainsUnknowns() }

// missing returns the fault of each needed property that is not there.
func missing(kind string, values resource.PropertyMap, needed ...resource.PropertyKey) map[resource.PropertyKey]string {
	faults := map[resource.PropertyKey]string{}
	for _, key := range needed {
		if value, set := values[key]; !set || value.IsString() && value.StringValue() == "" {
			faults[key] = fmt.Sprintf("%s is missing, but a %s needs one", key, kind)
		}
	}
	return faults
}

func unknown() resource.PropertyValue { return resource.MakeComputed(resource.NewProperty("")) }
