"""Reads every word and setting of the service as a careful colleague would before it goes out."""



