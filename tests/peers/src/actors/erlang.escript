#!/usr/bin/env escript
%%! +P 1000000
%% Spawns so many counting processes, calls each once, stops each and waits for its end; prints the microseconds.
-mode(compile).

main([Count]) ->
    {Micros, ok} = timer:tc(fun() -> run(list_to_integer(Count)) end),
    io:format("~p~n", [Micros]).

run(Count) ->
    Counters = [spawn(fun() -> counter(0) end) || _ <- lists:seq(1, Count)],
    lists:foreach(fun get/1, Counters),
    lists:foreach(fun stop/1, lists:reverse(Counters)).

counter(Sum) ->
    receive
        {add, Number} -> counter(Sum + Number);
        {get, From} -> From ! {self(), Sum}, counter(Sum);
        stop -> ok
    end.

get(Counter) ->
    Counter ! {get, self()},
    receive {Counter, Sum} -> Sum end.

stop(Counter) ->
    Watch = monitor(process, Counter),
    Counter ! stop,
    receive {'DOWN', Watch, process, Counter, _} -> ok end.
