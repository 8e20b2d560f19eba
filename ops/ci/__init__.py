"""The steps of a delivery pipeline, one make target each, so that any CI can run them (docs/pipelines.md).

They add to the operator's commands only what a pipeline needs: keys from files, no secret in what is printed, a text
for people, and a refusal to make a server that is not there. What is deployed, verified or compared is `ops`' matter.
"""
