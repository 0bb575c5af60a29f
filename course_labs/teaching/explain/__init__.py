"Pages that show what happens inside a network, and on which items it is wrong"
# Written by `make sync`
from .attention import attention
from .convolution import convolution
from .mistakes import mistakes
from .network import network

__all__ = ['attention', 'convolution', 'mistakes', 'network']
