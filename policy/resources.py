"""Resources as rules see them: a view with a type, a name and the options that Pulumi shows to policies."""

from pulumi_policy import PolicyResource, ResourceValidationArgs

from .view import View

CONTAINER = "docker:index/container:Container"
NETWORK = "docker:index/network:Network"
VOLUME = "docker:index/volume:Volume"
IMAGE = "docker:index/image:Image"
REMOTE_IMAGE = "docker:index/remoteImage:RemoteImage"
REGISTRY_IMAGE = "docker:index/registryImage:RegistryImage"
COMMAND = "command:local:Command"
PROVIDER = "pulumi:providers:docker"
PASSWORD = "random:index/randomPassword:RandomPassword"  # noqa: S105 - a type token

_PREFIX = "stealth-"


class Resource(View):
    """One resource of the program."""

    def __init__(self, source: ResourceValidationArgs | PolicyResource) -> None:
        super().__init__(source.props)
        self.kind = source.resource_type
        self.title = source.name
        self.urn = source.urn
        self.is_protected = bool(source.opts.protect)
        self.engine = source.provider.urn if source.provider else ""
        """The provider, by which a fleet's servers are told apart: each is on an engine of its own."""

    @classmethod
    def of(cls, source: ResourceValidationArgs | PolicyResource) -> "Resource":
        """View what the engine has sent."""
        return cls(source)

    @property
    def service(self) -> str:
        """Name of the service: what follows `stealth-` in the container's own name, which no other can have.

        Empty for a container with another name, and so nothing that an allowlist names.
        """
        name = self.text("name") if self.knows("name") else ""
        return name.removeprefix(_PREFIX) if name.startswith(_PREFIX) else ""

    @property
    def subject(self) -> str:
        """What a message calls it."""
        return self.service or self.title
