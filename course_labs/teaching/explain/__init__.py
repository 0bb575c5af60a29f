"Pages that show what happens inside a network, and on which items it is wrong"
# Written by `make sync`
from .convolution import convolution
from .mistakes import mistakes

__all__ = ['convolution', 'mistakes']
