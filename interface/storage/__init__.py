"""A network in a file: `net.save(path)` and `samenet.load(path)`, as npz or safetensors, without pickle."""

import os

from samenet.model import HasModel


class Saving(HasModel):
    """A network that can be saved."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to a file, for `samenet.load(path)`, which restores it with the same bits.

        path: a name that ends in ".npz" or in ".safetensors". Sizes, settings, dtype and parameters are saved, but no
        history and no backend; `samenet.storage.contents` describes the file. It is written under a temporary name and
        then renamed, so that it is either complete or unchanged. Raises ValueError for parameters that are not finite.
        """
        from samenet.storage.saving import save  # only when needed, as it loads more modules

        save(self.model, path)
