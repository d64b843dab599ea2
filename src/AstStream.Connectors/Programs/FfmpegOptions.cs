using AstStream.Streaming.Definitions;

namespace AstStream.Connectors.Programs;

/// <summary>
/// The options of ffmpeg that a definition may give: those of its input. None of them writes a file, opens another one, or runs anything.
/// </summary>
internal static class FfmpegOptions
{
    private static readonly HashSet<string> s_allowed = new(
    [
        "-f", "-user_agent", "-headers", "-cookies", "-referer", "-content_type", "-auth_type", "-method", "-icy", "-timeout",
        "-rw_timeout", "-stimeout", "-listen_timeout", "-open_timeout",
        "-reconnect", "-reconnect_at_eof", "-reconnect_streamed", "-reconnect_on_network_error", "-reconnect_on_http_error",
        "-reconnect_delay_max", "-multiple_requests", "-http_persistent", "-http_multiple",
        "-http_seekable", "-seekable", "-short_seek_size", "-tls_verify", "-verifyhost", "-ca_file", "-cert_file", "-key_file",
        "-rtsp_transport", "-rtsp_flags", "-allowed_media_types", "-min_port", "-max_port",
        "-reorder_queue_size", "-buffer_size", "-max_delay", "-fflags", "-flags", "-analyzeduration", "-probesize", "-fpsprobesize",
        "-formatprobesize", "-max_probe_packets", "-max_ts_probe", "-err_detect",
        "-max_error_rate", "-ac", "-ar", "-channels", "-ch_layout", "-channel_layout", "-sample_rate", "-sample_fmt", "-c:a", "-codec:a",
        "-acodec", "-ss", "-t", "-to", "-sseof", "-itsoffset", "-stream_loop",
        "-thread_queue_size", "-use_wallclock_as_timestamps", "-live_start_index", "-max_reload", "-m3u8_hold_counters", "-seg_max_retry",
        "-prefer_x_start", "-fifo_size", "-overrun_nonfatal", "-localaddr", "-localport",
        "-sources", "-pkt_size", "-reuse", "-ttl", "-dscp", "-mode", "-latency", "-rcvlatency", "-peerlatency", "-passphrase", "-pbkeylen",
        "-streamid", "-payload_size", "-transtype", "-connect_timeout", "-rtmp_app",
        "-rtmp_buffer", "-rtmp_conn", "-rtmp_live", "-rtmp_pageurl", "-rtmp_playpath", "-rtmp_subscribe", "-rtmp_swfurl", "-rtmp_tcurl",
        "-tcp_nodelay", "-listen", "-readrate", "-accurate_seek", "-start_at_zero", "-skip_initial_bytes",
        "-scan_all_pmts", "-merge_pmt_versions", "-resync_size",
    ],
        StringComparer.Ordinal);

    private static readonly HashSet<string> s_flags = new(["-re", "-accurate_seek", "-noaccurate_seek"], StringComparer.Ordinal);

    /// <summary>The options as names and values in turn; what is none is noted as a problem.</summary>
    public static IReadOnlyList<string> Read(SectionReader section, Key<IReadOnlyList<string>?> key)
    {
        var given = section.Get(key) ?? [];
        var options = new List<string>();
        for (var i = 0; i < given.Count; i++)
        {
            var name = given[i];
            if (s_flags.Contains(name))
            {
                section.Problem(key, $"{name} makes no sense here: sound is read as fast as it comes; leave it out");
            }
            else if (!s_allowed.Contains(name))
            {
                section.Problem(key, name.StartsWith('-')
                    ? $"{name} is no option of an input that can be given here; expected one such as -user_agent, -headers, -timeout, "
                        + $"-reconnect, each followed by its value"
                    : $"'{name}' stands where an option's name is expected, such as -user_agent; a name without - would be a file "
                        + $"to write");
                return options;
            }
            else if (i + 1 == given.Count)
            {
                section.Problem(key, $"{name} has no value after it; expected names and values in turn");
            }
            else
            {
                var value = given[++i];
                if (name == "-f" && !FfmpegInput.IsFormat(value))
                    section.Problem(key, $"-f {value} is no format of sound that can be read here");
                if (value.TrimEnd('\r', '\n').Any(char.IsControl))
                    section.Problem(key, $"the value of {name} holds a line break or another control character; expected one line");
                options.AddRange([name, value]);
            }
        }

        return options;
    }
}
