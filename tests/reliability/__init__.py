"""The reliability scorecard: experiments that somebody can make again, and what came of them."""
