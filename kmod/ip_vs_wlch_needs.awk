# SPDX-License-Identifier: GPL-2.0
#
# awk -f ip_vs_wlch_needs.awk include/net/ip_vs.h: for Kbuild, says what the
# module relies on and the kernel does not have, in one sentence, or nothing.
# Members that have another type are found by ip_vs_wlch_compat.h.

BEGIN {
	user = "half-open accounting"
	needs("ip_vs_protocol", "app_conn_bind state_transition")
	needs("ip_vs_proto_data", "pp appcnt")
	needs("ip_vs_conn", "af app app_data dest flags lock protocol state")
	needs("ip_vs_app", "app module name unbind_conn usecnt")
	needs("", "ip_vs_proto_get ip_vs_proto_data_get")
	needs("", "IP_VS_TCP_S_NONE IP_VS_TCP_S_SYN_SENT IP_VS_TCP_S_SYN_RECV")
	needs("", "IP_VS_TCP_S_SYNACK IP_VS_TCP_S_CLOSE")
	needs("", "IP_VS_SCTP_S_NONE IP_VS_SCTP_S_INIT1 IP_VS_SCTP_S_INIT")
	needs("", "IP_VS_SCTP_S_COOKIE_SENT IP_VS_SCTP_S_COOKIE_REPLIED")
	needs("", "IP_VS_SCTP_S_COOKIE_WAIT IP_VS_SCTP_S_COOKIE")
	needs("", "IP_VS_SCTP_S_COOKIE_ECHOED IP_VS_SCTP_S_REJECTED")
	needs("", "IP_VS_SCTP_S_CLOSED")
	user = "slow start"
	needs("ip_vs_proto_data", "timeout_table")
	needs("", "IP_VS_TCP_S_FIN_WAIT IP_VS_TCP_S_TIME_WAIT IP_VS_UDP_S_NORMAL")
	user = "tracing"
	needs("ip_vs_conn", "caddr cport ipvs")
	needs("ip_vs_dest", "vaddr vfwmark vport")
	needs("ip_vs_iphdr", "daddr len saddr")
	needs("", "frag_safe_skb_hp ip_vs_iph_inverse")
	needs("", "IP_VS_TCP_S_ESTABLISHED IP_VS_SCTP_S_ESTABLISHED")
	user = "the scheduler"
	needs("ip_vs_scheduler", "name refcnt module n_list schedule")
	needs("ip_vs_scheduler", "init_service done_service")
	needs("ip_vs_scheduler", "add_dest del_dest upd_dest")
	needs("ip_vs_service", "addr af destinations flags fwmark ipvs port")
	needs("ip_vs_service", "protocol sched_data scheduler")
	needs("ip_vs_dest", "activeconns addr af flags n_list port weight")
	needs("ip_vs_iphdr", "protocol")
	needs("netns_ipvs", "net")
	needs("", "net_ipvs register_ip_vs_scheduler unregister_ip_vs_scheduler")
}

# Of a structure, or of the header.
function needs(structure, names,	name, n, i) {
	n = split(names, name, " ")
	for (i = 1; i <= n; i++) {
		wanted[++count] = structure "." name[i]
		wanted_by[count] = user
	}
}

{ gsub(/\/\*([^*]|\*+[^*\/])*\*+\//, " ") }
in_comment && !sub(/^.*\*\//, "") { next }
{ in_comment = sub(/\/\*.*/, "") }

/^struct [a-z_0-9]+ [{]/ { structure = $2 }
/^}/ { structure = "" }

# What a declaration ends with is a member, or points to a function.
structure {
	rest = $0
	while (match(rest, /[A-Za-z_0-9]+[ \t]*(;|\[|:|\)[ \t]*\()/)) {
		member = substr(rest, RSTART, RLENGTH)
		sub(/[^A-Za-z_0-9].*/, "", member)
		found[structure "." member] = 1
		rest = substr(rest, RSTART + RLENGTH)
	}
}

{
	n = split($0, word, /[^A-Za-z_0-9]+/)
	for (i = 1; i <= n; i++)
		found["." word[i]] = 1
}

END {
	for (i = 1; i <= count && wanted[i] in found; i++)
		;
	if (i > count)
		exit
	split(wanted[i], part, ".")
	printf "%s has no %s (include/net/ip_vs.h), on which %s relies: this kernel is not supported yet\n",
		(part[1] ? "struct " part[1] " of this kernel" : "this kernel"), part[2], wanted_by[i]
}
