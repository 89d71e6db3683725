"""The embedded Realtime server: admission, connections, faults on the wire, and the model behind them."""
